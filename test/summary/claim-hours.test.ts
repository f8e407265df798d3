import { beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { HourlyRow, StagedSource } from '../support/staging-fixture.ts';

/*
 * An hour of a claim counts once, whoever mounts it (DOMAIN 5.4). Sizes are in GiB; the tables below give GiB-hours of
 * request, and of capacity and usage where they differ. October has 744 hours.
 */
const day = '2026-10-01';
const gib = 2 ** 30;

let database: TestDatabase;
let source: StagedSource;
beforeAll(async () => {
  database = await createTestDatabase();
});

function podHour(pod: string, node: string, hour: number, columns: Record<string, unknown> = {}): HourlyRow {
  return {
    hour,
    pod,
    namespace: 'shop',
    node,
    resource_id: node === '' ? '' : `i-${node}`,
    label_set_id: {},
    pod_usage_cpu_core_seconds: 3600,
    ...columns,
  };
}

const gibHour = (gibs: number) => gibs * gib * 3600;

/** One hour of claim `data` on volume `pv1`: 12 GiB, of which 6 are requested and 3 used. */
function claimHour(pod: string, hour: number, columns: Record<string, unknown> = {}): HourlyRow {
  return {
    hour,
    namespace: 'shop',
    pod,
    persistentvolumeclaim: 'data',
    persistentvolume: 'pv1',
    storageclass: 'fast',
    persistentvolume_label_set_id: {},
    persistentvolumeclaim_label_set_id: {},
    persistentvolumeclaim_capacity_bytes: 12 * gib,
    persistentvolumeclaim_capacity_byte_seconds: gibHour(12),
    volume_request_storage_byte_seconds: gibHour(6),
    persistentvolumeclaim_usage_byte_seconds: gibHour(3),
    ...columns,
  };
}

/** Stage pods and storage of a new source; several lists of storage rows are several files. */
async function stage(pods: HourlyRow[], ...storage: HourlyRow[][]): Promise<void> {
  source = await createStagedSource(database, '2026-10');
  await source.stage('pod_usage', day, pods);
  for (const rows of storage) await source.stage('storage_usage', day, rows);
}

type Place = [claim: string, volume: string, node: string | null, ...gibHours: number[]];

/** Storage rows after a summary in both profiles: claim, volume, node, GiB-hours of some measures. */
async function places(...measures: ('capacity' | 'request' | 'usage')[]): Promise<Place[]> {
  const found: Place[][] = [];
  for (const rules of ['design', 'koku'] as const) {
    await source.summarise(rules, day);
    const rows = await source.query<
      { claim: string; volume: string; node: string | null } & Record<string, number>
    >(
      `select concat_ws('/', nullif(namespace, 'shop'), persistentvolumeclaim) as claim,
           persistentvolume as volume, node,
           round(persistentvolumeclaim_capacity_gigabyte_months * 744, 9)::float8 as capacity,
           round(volume_request_storage_gigabyte_months * 744, 9)::float8 as request,
           round(persistentvolumeclaim_usage_gigabyte_months * 744, 9)::float8 as usage
       from reporting_ocpusagelineitem_daily_summary
       where source_uuid = $1 and data_source = 'Storage'
       order by concat_ws('/', nullif(namespace, 'shop'), persistentvolumeclaim) collate "C", persistentvolume collate "C", node collate "C" nulls last`,
      [source.sourceUuid],
    );
    found.push(
      rows.map((row) => [
        row.claim,
        row.volume,
        row.node,
        ...measures.map((name) => row[name] ?? Number.NaN),
      ]),
    );
  }
  expect(found[0]).toEqual(found[1]);
  return found[0] ?? [];
}

describe('rows of one hour', () => {
  test('a claim shared by 50 pods on 7 nodes has its size once', async () => {
    const pods = Array.from({ length: 50 }, (_, index) => ({ name: `p${index}`, node: `w${index % 7}` }));
    await stage(
      pods.map(({ name, node }) => podHour(name, node, 0)),
      pods.map(({ name }) => claimHour(name, 0)),
    );
    // w0 has pods 0, 7 … 49, which are 8, the other nodes 7: 12 · 8 / 50 = 1.92 and 12 · 7 / 50 = 1.68 of capacity.
    expect(await places('capacity', 'request', 'usage')).toEqual([
      ['data', 'pv1', 'w0', 1.92, 0.96, 0.48],
      ...[1, 2, 3, 4, 5, 6].map((index) => ['data', 'pv1', `w${index}`, 1.68, 0.84, 0.42]),
    ]);
  });

  test('the capacity in bytes stays the greatest', async () => {
    await stage(
      [podHour('a', 'w1', 0), podHour('b', 'w1', 0)],
      [claimHour('a', 0), claimHour('b', 0, { persistentvolumeclaim_capacity_bytes: 20 * gib })],
    );
    await source.summarise('koku', day);
    expect(
      await source.query(
        `select persistentvolumeclaim_capacity_gigabyte::float8 as gib from reporting_ocpusagelineitem_daily_summary
         where source_uuid = $1 and data_source = 'Storage'`,
        [source.sourceUuid],
      ),
    ).toEqual([{ gib: 20 }]);
  });

  test('each measure is shared by the rows that have it, and 0 is a value', async () => {
    await stage(
      [podHour('a', 'w1', 0), podHour('b', 'w2', 0)],
      [
        claimHour('a', 0, { persistentvolumeclaim_usage_byte_seconds: null }),
        claimHour('b', 0, { volume_request_storage_byte_seconds: 0 }),
      ],
    );
    // Capacity 12 / 2 each; request 6 / 2 and 0 / 2; usage 3 / 1 of b alone.
    expect(await places('capacity', 'request', 'usage')).toEqual([
      ['data', 'pv1', 'w1', 6, 3, 0],
      ['data', 'pv1', 'w2', 6, 0, 3],
    ]);
  });

  test('a row that comes twice, in one file or in two, adds nothing', async () => {
    await stage(
      [podHour('a', 'w1', 0)],
      [claimHour('a', 0), claimHour('a', 0)],
      [claimHour('a', 0), claimHour('a', 1)],
    );
    // Three rows of hour 0 and one of hour 1: two claim-hours.
    expect(await places('capacity', 'request', 'usage')).toEqual([['data', 'pv1', 'w1', 24, 12, 6]]);
  });

  test('hours of a piece that another piece has better are not there, neither of claims nor of pods', async () => {
    await stage(
      [podHour('a', 'w1', 0), podHour('a', 'w2', 1), podHour('a', 'w9', 2)],
      [claimHour('a', 0), claimHour('a', 1)],
    );
    await source.stage(
      'storage_usage',
      day,
      [0, 1, 2].map((hour) => claimHour('a', hour)),
    );
    // Of the second storage file hour 0 counts, of the pods hours 0 and 1: hour 0 has two rows, hour 1 one, hour 2
    // none.
    await source.query(
      `update ocp_piece set live_hours = case report_kind when 'pod_usage' then b'011'::int else b'001'::int end
       where source_uuid = $1 and hour_mask = b'111'::int`,
      [source.sourceUuid],
    );
    expect(await places('request')).toEqual([
      ['data', 'pv1', 'w1', 6],
      ['data', 'pv1', 'w2', 6],
    ]);
    // With nothing left out hour 2 counts too, on the node that the pod has in it.
    await source.query(`update ocp_piece set live_hours = hour_mask where source_uuid = $1`, [
      source.sourceUuid,
    ]);
    expect(await places('request')).toEqual([
      ['data', 'pv1', 'w1', 6],
      ['data', 'pv1', 'w2', 6],
      ['data', 'pv1', 'w9', 6],
    ]);
  });

  test('two intervals that start in one hour are two', async () => {
    const half = { interval_start: `${day}T00:30:00Z` };
    await stage(
      [podHour('a', 'w1', 0)],
      [claimHour('a', 0), claimHour('a', 0, half), claimHour('b', 0, half)],
    );
    // 00:00: 6 of pod a. 00:30: 3 of a, 3 of b, which has no node.
    expect(await places('request')).toEqual([
      ['data', 'pv1', 'w1', 9],
      ['data', 'pv1', null, 3],
    ]);
  });

  test('equal names in another namespace are another pod and another claim', async () => {
    const bank = { namespace: 'bank' };
    await stage(
      [podHour('a', 'w1', 0), podHour('a', 'w2', 0, bank), podHour('a', 'w3', 1, bank)],
      [claimHour('a', 0), claimHour('a', 0, bank), claimHour('a', 1), claimHour('a', 1, bank)],
    );
    expect(await places('request')).toEqual([
      ['bank/data', 'pv1', 'w2', 6],
      ['bank/data', 'pv1', 'w3', 6],
      ['data', 'pv1', 'w1', 12],
    ]);
  });
});

describe('volumes of a claim', () => {
  test('a claim made again on another volume is another claim from then on', async () => {
    const again = { persistentvolume: 'pv2' };
    await stage(
      [podHour('a', 'w1', 0)],
      [claimHour('a', 0), claimHour('a', 1), claimHour('b', 1, again), claimHour('a', 2, again)],
    );
    // Hour 1 has both, and nothing is divided.
    expect(await places('request')).toEqual([
      ['data', 'pv1', 'w1', 12],
      ['data', 'pv2', 'w1', 6],
      ['data', 'pv2', null, 6],
    ]);
  });

  test('a blank volume stands for the greatest that the claim has in that hour, by bytes', async () => {
    const volume = (persistentvolume: string) => ({ persistentvolume });
    await stage(
      [podHour('a', 'w1', 0), podHour('b', 'w2', 0)],
      [
        // Hour 0: one volume is known. Hour 1: none is. Hour 2: two are, and small letters come after capital ones.
        claimHour('a', 0, volume('pv-x')),
        claimHour('b', 0, volume('')),
        claimHour('a', 1, volume('')),
        claimHour('b', 1, volume('')),
        claimHour('a', 2, volume('pv-a')),
        claimHour('a', 2, volume('pv-B')),
        claimHour('b', 2, volume('')),
      ],
    );
    expect(await places('request')).toEqual([
      ['data', '', 'w1', 3],
      ['data', '', 'w2', 3],
      ['data', 'pv-B', 'w1', 6],
      ['data', 'pv-a', 'w1', 3],
      ['data', 'pv-a', 'w2', 3],
      ['data', 'pv-x', 'w1', 3],
      ['data', 'pv-x', 'w2', 3],
    ]);
  });

  test('claims without a volume name are not one volume, and rows without any name are each their own', async () => {
    const claim = (persistentvolumeclaim: string, persistentvolume = '') => ({
      persistentvolumeclaim,
      persistentvolume,
    });
    await stage(
      [podHour('a', 'w1', 0)],
      [
        claimHour('a', 0, claim('one')),
        claimHour('a', 0, claim('two')),
        claimHour('a', 0, claim('')),
        claimHour('a', 0, claim('')),
        // Of a volume that is named the rows are one, also without the name of a claim.
        claimHour('a', 0, claim('', 'pv9')),
        claimHour('b', 0, claim('', 'pv9')),
      ],
    );
    expect(await places('request')).toEqual([
      ['', '', 'w1', 12],
      ['', 'pv9', 'w1', 3],
      ['', 'pv9', null, 3],
      ['one', '', 'w1', 6],
      ['two', '', 'w1', 6],
    ]);
  });
});

describe('node of a claim', () => {
  test('while a pod has no node its claim is where it was before, or else where it came up first', async () => {
    await stage(
      [
        podHour('a', '', 0),
        podHour('a', 'w1', 1),
        podHour('a', '', 2),
        // 3: no row at all
        podHour('a', 'w2', 4),
      ],
      [0, 1, 2, 3, 4, 5].map((hour) => claimHour('a', hour)),
    );
    // 0 to 3 on w1, 4 and 5 on w2.
    expect(await places('request')).toEqual([
      ['data', 'pv1', 'w1', 24],
      ['data', 'pv1', 'w2', 12],
    ]);
  });

  test('of two nodes in one hour it is the one of the next hour', async () => {
    await stage(
      [
        podHour('a', 'w9', 0),
        podHour('a', 'w9', 1),
        podHour('a', 'w1', 1),
        podHour('a', 'w1', 2),
        // Both again, and nothing comes after: the greatest by bytes, where W comes before w.
        podHour('a', 'W2', 5),
        podHour('a', 'w1', 5),
      ],
      [0, 1, 2, 5].map((hour) => claimHour('a', hour)),
    );
    expect(await places('request')).toEqual([
      ['data', 'pv1', 'w1', 18],
      ['data', 'pv1', 'w9', 6],
    ]);
  });

  test('two nodes in several hours on end are told apart from the last hour on', async () => {
    await stage(
      [
        podHour('a', 'w1', 0),
        podHour('a', 'w2', 0),
        podHour('a', 'w1', 1),
        podHour('a', 'w2', 1),
        podHour('a', 'w1', 2),
      ],
      [0, 1, 2].map((hour) => claimHour('a', hour)),
    );
    expect(await places('request')).toEqual([['data', 'pv1', 'w1', 18]]);
  });

  test('the resource id is the greatest of the pod in that hour', async () => {
    await stage(
      [
        podHour('a', 'w1', 0, { resource_id: '' }),
        podHour('a', 'w1', 1, { resource_id: 'i-1' }),
        podHour('a', 'w1', 1, { resource_id: '' }),
      ],
      [claimHour('a', 0), claimHour('a', 1)],
    );
    await source.summarise('koku', day);
    const rows = await source.query<{ id: string }>(
      `select resource_id as id from reporting_ocpusagelineitem_daily_summary
       where source_uuid = $1 and data_source = 'Storage' order by 1`,
      [source.sourceUuid],
    );
    expect(rows).toEqual([{ id: '' }, { id: 'i-1' }]);
  });

  test('hours in which nobody mounts the claim have no node, and other days are not asked', async () => {
    await stage(
      [podHour('a', 'w1', 0), podHour('', 'w5', 0)],
      [claimHour('a', 0), claimHour('', 1), claimHour('', 2), claimHour('gone', 3)],
    );
    await source.stage('pod_usage', '2026-10-02', [podHour('a', 'w2', 0), podHour('gone', 'w3', 0)]);
    await source.stage('storage_usage', '2026-10-02', [claimHour('a', 0)]);
    await source.summarise('koku', day, '2026-10-02');
    // The first day alone, after both were summarised together, is as before: nothing came from the second.
    expect(await places('request')).toEqual([
      ['data', 'pv1', 'w1', 6],
      ['data', 'pv1', 'w2', 6],
      ['data', 'pv1', null, 18],
    ]);
  });
});
