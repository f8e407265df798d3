import { beforeAll, describe, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { resummarize } from '../../workflows/index.ts';
import { between, createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';

/*
 * The ledger says that line items are staged; somebody has changed staging behind its back. Nothing may be summarised
 * from what is left.
 */
const october = billingMonth('2026-10');
let pipeline: TestPipeline;
let folder: ArchiveFolder;
let threeDays: Payload;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  threeDays = await readPayload('nise-small');
});

async function send(clusterId: string, payload: Payload) {
  return pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: clusterId })));
}

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

async function rebuild(sourceUuid: string) {
  const { orgId, schema } = pipeline.database;
  return pipeline.client.workflow.execute<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month: october }],
  });
}

/** Pieces that the ledger counts otherwise than staging does, of any kind; none is expected after a rebuild. */
async function miscounted(sourceUuid: string): Promise<object[]> {
  return query(
    `select kind.name, piece.usage_day, piece.row_count, counted.row_count as found
     from unnest($2::text[]) as kind (name)
     join ocp_piece as piece on piece.source_uuid = $1 and piece.report_kind = kind.name and piece.live_hours > 0
     left join lateral ocp_count_rows(kind.name, piece.usage_day, piece.usage_day, array[piece.piece_id]) as counted
         using (piece_id)
     where counted.row_count is distinct from piece.row_count`,
    [sourceUuid, reportKinds],
  );
}

/** Days whose relations do not add up to the control sums of their pieces. */
async function differing(sourceUuid: string): Promise<object[]> {
  return query(
    `select expected.usage_day, expected.report_kind, expected.row_count, found.row_count as found
     from (select array_agg(distinct usage_day) as days from ocp_piece where source_uuid = $1) as known
     cross join lateral ocp_control_sums($1, known.days) as expected
     left join ocp_relation_sums($1, known.days) as found using (report_kind, usage_day)
     where expected.row_count is distinct from found.row_count
         or abs(expected.core_seconds - found.core_seconds) > 1e-9 * expected.core_seconds_magnitude
         or abs(expected.byte_seconds - found.byte_seconds) > 1e-9 * expected.byte_seconds_magnitude`,
    [sourceUuid],
  );
}

const pods = stagingTableOf('pod_usage');
const volumes = stagingTableOf('storage_usage');
const machines = stagingTableOf('vm_usage');
const ofSource = `source_uuid = $1`;

describe('a month whose staging was changed by hand is rebuilt from what was loaded', () => {
  test.each([
    [
      'pod rows of a day are gone',
      `delete from ${pods} where ${ofSource} and interval_start < '2026-10-02Z'`,
    ],
    [
      'one pod row is gone',
      `delete from ${pods} where ctid = (select min(ctid) from ${pods} where ${ofSource})`,
    ],
    [
      'rows are there twice',
      `insert into ${pods} select * from ${pods} where ${ofSource} and node <> '' limit 20`,
    ],
    [
      'rows are on another day',
      `update ${pods} set interval_start = interval_start + interval '1 day' where ${ofSource} and interval_start < '2026-10-01 06:00Z'`,
    ],
    [
      'rows are in another month',
      `update ${pods} set interval_start = interval_start + interval '5 days' where ${ofSource} and interval_start < '2026-10-01 06:00Z'`,
    ],
    [
      'one pod row is another, twice there',
      `with gone as (delete from ${pods} where ctid = (select min(ctid) from ${pods} where ${ofSource} and node <> '') returning piece_id)
       insert into ${pods} select other.* from ${pods} as other
       where other.ctid = (select max(line.ctid) from ${pods} as line join gone using (piece_id) where node <> '')`,
    ],
    [
      'the memory of one pod row differs by a hundredth',
      `update ${pods} set pod_usage_memory_byte_seconds = 1.01 * pod_usage_memory_byte_seconds
       where ctid = (select min(ctid) from ${pods} where ${ofSource} and pod_usage_memory_byte_seconds > 0)`,
    ],
    [
      'the request of one volume row is another',
      `update ${volumes} set volume_request_storage_byte_seconds = coalesce(volume_request_storage_byte_seconds, 0) + 3600e9
       where ctid = (select min(ctid) from ${volumes} where ${ofSource})`,
    ],
    [
      'the CPU of one machine is another',
      `update ${machines} set vm_cpu_usage_total_seconds = coalesce(vm_cpu_usage_total_seconds, 0) + 60
       where ctid = (select min(ctid) from ${machines} where ${ofSource})`,
    ],
    ['volume rows are gone', `delete from ${volumes} where ${ofSource} and interval_start >= '2026-10-03Z'`],
    [
      'volume rows are there twice',
      `insert into ${volumes} select * from ${volumes} where ${ofSource} limit 1`,
    ],
    ...(['node_labels', 'namespace_labels', 'vm_usage', 'gpu_usage'] as const).map(
      (kind): [string, string] => [
        `${kind} rows are gone`,
        `delete from ${stagingTableOf(kind)} where ${ofSource}`,
      ],
    ),
    ['label sets are gone', `delete from ocp_label_set where label_set_id % 2 = 0 and $1::uuid is not null`],
  ])('%s', async (what, statement) => {
    const clusterId = what.replaceAll(' ', '-');
    const source = await pipeline.addSource(clusterId);
    await send(clusterId, threeDays);
    const before = await snapshotTables(pipeline.database, source);
    await query(statement, [source]);
    expect((await rebuild(source)).daysSummarised).toBe(3);
    expectSameTables(await snapshotTables(pipeline.database, source), before);
    expect(await miscounted(source)).toEqual([]);
  });

  test('all partitions of the month are gone, those of the summary too', async () => {
    const source = await pipeline.addSource('dropped');
    await send('dropped', threeDays);
    const before = await snapshotTables(pipeline.database, source);
    for (const table of [...reportKinds.map(stagingTableOf), 'reporting_ocpusagelineitem_daily_summary'])
      await query(`drop table ${table}_2026_10`);
    expect((await rebuild(source)).daysSummarised).toBe(3);
    expectSameTables(await snapshotTables(pipeline.database, source), before);
    expect(await miscounted(source)).toEqual([]);
  });

  test.each([
    [
      'are gone',
      'delete from ocp_pod_day where ctid in (select ctid from ocp_pod_day where source_uuid = $1 limit 1)',
    ],
    ['are another', 'update ocp_claim_day set sent_usage = sent_usage * 1.5 where source_uuid = $1'],
  ])('rows of relations %s, and staging was swept', async (what, statement) => {
    const clusterId = `relations-${what.replaceAll(' ', '-')}`;
    const source = await pipeline.addSource(clusterId);
    await send(clusterId, threeDays);
    const before = await snapshotTables(pipeline.database, source);
    for (const kind of reportKinds)
      await query(`delete from ${stagingTableOf(kind)} where ${ofSource}`, [source]);
    await query(`update ocp_piece set state = 'swept', staged_checksum = null where ${ofSource}`, [source]);
    await query(statement, [source]);
    expect((await rebuild(source)).daysSummarised).toBe(3);
    expectSameTables(await snapshotTables(pipeline.database, source), before);
    expect(await differing(source)).toEqual([]);
  });

  test('a piece that counts in part has lost rows that do not count, and some that do', async () => {
    const source = await pipeline.addSource('in-part');
    const day = between(threeDays, '2026-10-01 00:00', '2026-10-02 00:00');
    await send('in-part', between(day, '2026-10-01 00:00', '2026-10-01 12:00'));
    await send(
      'in-part',
      withManifest(between(day, '2026-10-01 06:00', '2026-10-02 00:00'), { daily_reports: false }),
    );
    const before = await snapshotTables(pipeline.database, source);
    for (const [from, until] of [
      ['2026-10-01 06:00Z', '2026-10-01 09:00Z'],
      ['2026-10-01 20:00Z', '2026-10-01 21:00Z'],
    ]) {
      await query(
        `delete from ${pods} where ${ofSource} and interval_start >= $2::timestamptz and interval_start < $3::timestamptz
             and piece_id = (select max(piece_id) from ${pods} where ${ofSource})`,
        [source, from, until],
      );
      await rebuild(source);
      expectSameTables(await snapshotTables(pipeline.database, source), before);
      expect(await miscounted(source)).toEqual([]);
    }
  });
});

test('the next day of a month does not take the virtual machines from what is left of the days before', async () => {
  const source = await pipeline.addSource('machines');
  await send('machines', between(threeDays, '2026-10-01 00:00', '2026-10-03 00:00'));
  await query(`delete from ${stagingTableOf('vm_usage')} where ${ofSource}`, [source]);
  await send('machines', between(threeDays, '2026-10-03 00:00', '2026-10-04 00:00'));
  const whole = await pipeline.addSource('machines-whole');
  await send('machines-whole', threeDays);
  expectSameTables(
    await snapshotTables(pipeline.database, source),
    await snapshotTables(pipeline.database, whole),
  );
});
