import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { applyCostModel } from '../../activities/apply-cost-model.ts';
import { validateDays } from '../../activities/validate-days.ts';
import { relationTables } from '../../domain/reports/relations.ts';
import { reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { applyTags, dependenciesOf, month } from './labelled-days.ts';

const days = ['2026-10-01', '2026-10-02'];
const [firstDay = '', secondDay = ''] = days;

let database: TestDatabase;
let source: StagedSource;

beforeEach(async () => {
  database = await createTestDatabase();
  source = await createStagedSource(database, month);
  for (const day of days) await stageDay(day);
});

/**
 * One pod with a claim, a GPU and a machine. CPU by hour: usage 1800 of a request of 3600; usage 7200 of 3600; usage
 * 900, no request. So koku: 3600 + 7200 + 900 = 11700 s = 3.25 h; design: 1800 + 3600 + 900 = 6300 s = 1.75 h.
 */
async function stageDay(day: string): Promise<void> {
  const pod = {
    pod: 'web-1',
    namespace: 'shop',
    node: 'w1',
    resource_id: 'i-1',
    label_set_id: { app: 'web' },
  };
  const capacity = { node_capacity_cpu_cores: 4, node_capacity_cpu_core_seconds: 14_400 };
  await source.stage('pod_usage', day, [
    { hour: 0, ...pod, ...capacity, pod_usage_cpu_core_seconds: 1800, pod_request_cpu_core_seconds: 3600 },
    { hour: 1, ...pod, ...capacity, pod_usage_cpu_core_seconds: 7200, pod_request_cpu_core_seconds: 3600 },
    { hour: 2, ...pod, ...capacity, pod_usage_cpu_core_seconds: 900 },
  ]);
  await source.stage('storage_usage', day, [
    {
      hour: 0,
      namespace: 'shop',
      pod: 'web-1',
      persistentvolumeclaim: 'data',
      persistentvolume: 'pv1',
      persistentvolume_label_set_id: { tier: 'gold' },
      persistentvolumeclaim_label_set_id: {},
      persistentvolumeclaim_capacity_byte_seconds: 2 ** 30 * 3600,
    },
  ]);
  await source.stage('node_labels', day, [{ hour: 0, node: 'w1', label_set_id: { zone: 'a' } }]);
  await source.stage('namespace_labels', day, [
    { hour: 0, namespace: 'shop', label_set_id: { team: 'blue' } },
  ]);
  await source.stage('vm_usage', day, [
    { hour: 0, namespace: 'shop', vm_name: 'vm', node: 'w1', label_set_id: {}, vm_cpu_request_cores: 2 },
  ]);
  await source.stage('gpu_usage', day, [
    { hour: 0, node: 'w1', namespace: 'shop', pod: 'web-1', gpu_uuid: 'GPU-1', gpu_model_name: 'Tesla T4' },
  ]);
}

/** The chain, as a run does it. */
async function runChain(rules: 'design' | 'koku' = 'koku', force = false): Promise<unknown> {
  const deps = dependenciesOf(database, { OCP_RULES: rules });
  const input = { schema: database.schema, sourceUuid: source.sourceUuid, month };
  const forced = force ? { force: { from: firstDay, until: '2026-10-31' } } : {};
  const environment = new MockActivityEnvironment();
  const aggregated = await environment.run(() => aggregateDays(deps, { ...input, ...forced } as never));
  await applyTags(database, source.sourceUuid);
  await environment.run(() => applyCostModel(deps, input));
  await environment.run(() => validateDays(deps, input));
  return aggregated;
}

/** What the sweep does when months are long over. */
async function dropStaging(): Promise<void> {
  for (const kind of reportKinds) await source.query(`drop table ${stagingTableOf(kind)}_2026_10`);
  await source.query(`update ocp_piece set state = 'swept', staged_checksum = null`);
}

const dump = (table: string, columns: string) =>
  source.query(
    `select ${columns} from ${table} where source_uuid = $1 order by usage_start, namespace, node, ${columns}`,
    [source.sourceUuid],
  );

async function summary(): Promise<unknown> {
  return [
    await dump(
      'reporting_ocpusagelineitem_daily_summary',
      `usage_start, namespace, node, data_source, all_labels, pod_effective_usage_cpu_core_hours,
       node_capacity_cpu_core_hours, persistentvolumeclaim, persistentvolumeclaim_capacity_gigabyte_months`,
    ),
    await dump('reporting_ocp_gpu_summary_p', 'usage_start, namespace, node, gpu_uuid, model_name'),
    await dump('reporting_ocp_vm_summary_p', 'usage_start, namespace, node, vm_name, persistentvolumeclaim'),
    await source.query(`select check_name from ocp_validation_warning`),
  ];
}

async function effectiveHours(): Promise<number[]> {
  const rows = await source.query<{ hours: string }>(
    `select pod_effective_usage_cpu_core_hours as hours from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and namespace = 'shop' and data_source = 'Pod' order by usage_start`,
    [source.sourceUuid],
  );
  return rows.map(({ hours }) => Number(hours));
}

const versions = async () =>
  (
    await source.query<{ version: number }>(
      'select version from ocp_day where source_uuid = $1 order by usage_day',
      [source.sourceUuid],
    )
  ).map(({ version }) => version);

describe('without a line item in staging', () => {
  test('a key that is enabled changes the summary as if it had been enabled before', async () => {
    await source.enableKeys('app');
    await runChain();
    await dropStaging();
    await source.enableKeys('zone', 'tier');
    expect(await runChain()).toMatchObject({ outcome: 'done', dayCount: 2 });
    const found = await summary();

    database = await createTestDatabase();
    source = await createStagedSource(database, month);
    for (const day of days) await stageDay(day);
    await source.enableKeys('app', 'zone', 'tier');
    await runChain();
    expect(found).toEqual(await summary());
  });

  test('the whole month takes on other rules', async () => {
    await runChain('koku');
    expect(await effectiveHours()).toEqual([3.25, 3.25]);
    await dropStaging();
    expect(await runChain('design', true)).toMatchObject({ outcome: 'done', dayCount: 2 });
    expect(await effectiveHours()).toEqual([1.75, 1.75]);
  });

  test('a number that does not fit names the day and the column', async () => {
    await runChain();
    await dropStaging();
    // 4 · 10^21 s / 3600 = 1.11 · 10^18 h; numeric(33,15) holds less than 10^18
    await source.query('update ocp_pod_day set request_cpu = 4e21 where usage_day = $1', [secondDay]);
    await source.enableKeys('zone');
    await expect(runChain()).rejects.toThrow(
      `pod_request_cpu_core_seconds of ${secondDay} (no longer in staging) comes to 1.11e+18 core-hours`,
    );
  });

  test('a day of which label sets are gone asks for its pieces instead of losing their usage', async () => {
    await runChain();
    await dropStaging();
    await source.query(`delete from ocp_label_set where labels ->> 'tier' = 'gold'`);
    await source.enableKeys('zone');
    const volumes = await source.query<{ piece_id: number }>(
      `select piece_id from ocp_piece where report_kind = 'storage_usage' order by 1`,
    );
    expect(await runChain()).toEqual({
      outcome: 'missing',
      pieceIds: volumes.map(({ piece_id }) => piece_id),
    });
    // The relations are unknown from now on, so all pieces of these days are loaded before they are rebuilt.
    const pieces = await source.query<{ piece_id: number }>(
      'select piece_id from ocp_piece order by usage_day, 1',
    );
    expect(await runChain()).toEqual({
      outcome: 'missing',
      pieceIds: pieces.map(({ piece_id }) => piece_id),
    });
  });

  test('a day of which a piece changed asks for all its live pieces, and only for those', async () => {
    await runChain();
    await dropStaging();
    const changed = await source.query<{ piece_id: number }>(
      `update ocp_piece set checksum = checksum || '2' where usage_day = $1 returning piece_id`,
      [secondDay],
    );
    const pieceIds = changed.map(({ piece_id }) => piece_id).sort((a, b) => a - b);
    expect(await runChain()).toEqual({ outcome: 'missing', pieceIds });
  });
});

test('many rows are added up by two processes, half of the pieces each, with the same sums', async () => {
  const pod = {
    pod: 'web-1',
    namespace: 'shop',
    node: 'w1',
    resource_id: 'i-1',
    label_set_id: { app: 'web' },
  };
  // Three pieces of 3, 2 and 2 rows: the first two are one half. CPU: 1800 + 7200 + 900, 60 + 40, 0.5; cores 4, 8, 6.
  await source.stage('pod_usage', firstDay, [
    { hour: 3, ...pod, pod_usage_cpu_core_seconds: 60, node_capacity_cpu_cores: 8 },
    { hour: 4, ...pod, pod_usage_cpu_core_seconds: 40, node_role: 'worker' },
  ]);
  await source.stage('pod_usage', firstDay, [
    { hour: 5, ...pod, pod_usage_cpu_core_seconds: 0.5, node_capacity_cpu_cores: 6 },
    { hour: 5, ...pod, pod: 'web-2', pod_usage_cpu_core_seconds: 5 },
  ]);
  for (const minRows of [1, 200_000]) {
    await source.query('select ocp_rebuild_pod_days($1, $1, $2, $3)', [firstDay, source.sourceUuid, minRows]);
    expect(
      await source.query(
        'select pod, row_count, usage_cpu, capacity_cores, node_role from ocp_pod_day order by pod',
      ),
    ).toEqual([
      { pod: 'web-1', row_count: 6, usage_cpu: 10_000.5, capacity_cores: 8, node_role: 'worker' },
      { pod: 'web-2', row_count: 1, usage_cpu: 5, capacity_cores: 0, node_role: null },
    ]);
  }
});

describe('populate_daily_summary_from_staging, called by hand', () => {
  const populate = () =>
    source.query(`select populate_daily_summary_from_staging($1, $2, $3, $4, 'alias', $5)`, [
      firstDay,
      secondDay,
      source.reportPeriodId,
      source.clusterId,
      source.sourceUuid,
    ]);

  test('raises without rules, set or recorded', async () => {
    await expect(populate()).rejects.toThrow('ocp.rules is not set');
  });

  test('takes the rules of the month, raises the versions, and later steps follow', async () => {
    await runChain('koku');
    const before = await summary();
    await source.query(`delete from reporting_ocpusagelineitem_daily_summary where source_uuid = $1`, [
      source.sourceUuid,
    ]);
    await populate();
    expect(await versions()).toEqual([2, 2]);
    expect(await effectiveHours()).toEqual([3.25, 3.25]);
    expect(await runChain()).toMatchObject({ dayCount: 0 });
    expect(await summary()).toEqual(before);
    expect(
      await source.query('select count(*)::integer as behind from ocp_day where cost_version <> version'),
    ).toEqual([{ behind: 0 }]);
  });

  test('is refused while a run holds the source', async () => {
    await runChain('koku');
    await inTenantTransaction(database.pool, database.schema, async (client) => {
      expect(await tryLock(client, 'source', source.sourceUuid)).toBe(true);
      await expect(populate()).rejects.toThrow(`source ${source.sourceUuid}: a run is summarising it`);
    });
  });

  test('keeps the relations of a day that lacks rows, and summarises it from them', async () => {
    await runChain('koku');
    const before = await summary();
    await source.query(
      `delete from ${stagingTableOf('pod_usage')} where interval_start < '2026-10-01 01:00Z'`,
    );
    await populate();
    expect(await summary()).toEqual(before);
    expect(await versions()).toEqual([2, 2]);
  });

  test('keeps the summary of a day that has neither rows nor relations', async () => {
    await runChain('koku');
    const before = await summary();
    await source.query('update ocp_day set relations_hash = null; delete from ocp_pod_day');
    await dropStaging();
    await populate();
    expect(await summary()).toEqual(before);
    expect(await versions()).toEqual([1, 1]);
  });
});

describe('views for people who debug', () => {
  test('show line items with labels, effective usage, and whether they are processed', async () => {
    const lines = () =>
      source.query(
        `select labels, effective_cpu_design as design, effective_cpu_koku as koku, is_live, processed
         from ocp_pod_lines where source_uuid = $1 and usage_day = $2 order by interval_start`,
        [source.sourceUuid, firstDay],
      );
    const before = { labels: { app: 'web' }, is_live: true, processed: false };
    // By hour: usage 1800 of a request of 3600; usage 7200 of 3600; usage 900, no request.
    const hours = [
      { design: 1800, koku: 3600 },
      { design: 3600, koku: 7200 },
      { design: 900, koku: 900 },
    ];
    expect(await lines()).toEqual(hours.map((hour) => ({ ...before, ...hour })));
    await runChain();
    expect(await lines()).toEqual(hours.map((hour) => ({ ...before, ...hour, processed: true })));
    expect(
      await source.query(
        `select persistentvolume_labels, persistentvolumeclaim_labels from ocp_storage_lines
         where source_uuid = $1 and usage_day = $2`,
        [source.sourceUuid, firstDay],
      ),
    ).toEqual([{ persistentvolume_labels: { tier: 'gold' }, persistentvolumeclaim_labels: {} }]);
  });

  test('are there for each staging table, every column explained', async () => {
    expect(
      await source.query(
        `select class.relname as name, count(*) filter (where col_description(class.oid, attnum) is null)::integer as unexplained
         from pg_class as class join pg_attribute as attribute on attrelid = class.oid and attnum > 0
         where class.relkind = 'v' and class.relname like 'ocp\_%\_lines' and class.relnamespace = current_schema()::regnamespace
         group by 1 order by 1`,
      ),
    ).toEqual(
      ['gpu', 'namespace_label', 'node_label', 'pod', 'storage', 'vm'].map((kind) => ({
        name: `ocp_${kind}_lines`,
        unexplained: 0,
      })),
    );
  });
});

test('an engine outside of PostgreSQL fills every daily relation: each has its waiting rows', async () => {
  const rows = await source.query<{ relation: string }>('select relation from ocp_daily_relations()');
  expect(rows.map(({ relation }) => relation)).toEqual([...relationTables].sort());
});
