import { beforeEach, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { dailyCsvKey, payloadKey } from '../../platform/object-store/object-keys.ts';
import { relationTables } from '../../domain/reports/relations.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createCleanUp, partitionsOf } from './clean-up.ts';
import type { CleanUp } from './clean-up.ts';
import {
  addLastingRows,
  addMonthsOfData,
  everywhere,
  keysOf,
  lastingTables,
  monthsHeld,
  putObject,
} from './months-of-data.ts';

const july = '2026-07-13T00:00:00Z';
const months = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05', '2026-06', '2026-07'];
const sinceApril = months.slice(3);
const summary = 'reporting_ocpusagelineitem_daily_summary';

let database: TestDatabase;
let cleanUp: CleanUp;
let sourceUuid: string;

beforeEach(async () => {
  database = await createTestDatabase();
  cleanUp = await createCleanUp(database);
  sourceUuid = await addMonthsOfData(database, 'cluster-1', months);
});

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  return inTenantTransaction(
    database.pool,
    database.schema,
    async (client) => (await client.query<R>(text, values)).rows,
  );
}

async function setTenantMonths(value: number): Promise<void> {
  await query('insert into tenant_settings (data_retention_months, singleton) values ($1, true)', [value]);
}

describe('months kept', () => {
  test('are four by default: on 13 July April to July, in every table', async () => {
    expect(await monthsHeld(database, months)).toEqual(everywhere(months));
    const result = await cleanUp.purge(july);
    expect(result).toMatchObject({
      outcome: 'done',
      // 16 summary and 6 staging tables
      counts: { partitionCount: 3 * 22, reportPeriodCount: 3, manifestCount: 3, pieceCount: 3 },
    });
    expect(await monthsHeld(database, months)).toEqual(everywhere(sinceApril));
    expect(await partitionsOf(database, summary)).toEqual([
      ...sinceApril.map((month) => `${summary}_${month.replace('-', '_')}`),
      `${summary}_default`,
    ]);
  });

  test('end with the cutoff month itself: the day before, March is kept', async () => {
    await cleanUp.purge('2026-06-30T23:59:59Z');
    expect(await monthsHeld(database, months)).toEqual(everywhere(months.slice(2)));
    await cleanUp.purge('2026-07-01T00:00:00Z');
    expect(await monthsHeld(database, months)).toEqual(everywhere(sinceApril));
  });

  test('are those of the tenant when the deployment keeps the default', async () => {
    await setTenantMonths(6);
    await cleanUp.purge(july);
    expect(await monthsHeld(database, months)).toEqual(everywhere(months.slice(1)));
  });

  test('are those of the deployment when it does not, whatever the tenant says', async () => {
    await setTenantMonths(6);
    await cleanUp.purge(july, { RETAIN_NUM_MONTHS: '2' });
    expect(await monthsHeld(database, months)).toEqual(everywhere(months.slice(5)));
  });

  test.each([
    ['out of bounds', () => setTenantMonths(2)],
    [
      'in a table that is absent',
      async () => {
        await query('drop table tenant_settings');
      },
    ],
  ])('cannot be told from a setting %s, so nothing is purged', async (_what, spoil) => {
    await spoil();
    const result = await cleanUp.purge(july);
    expect(result).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('tenant_settings') as string,
    });
    expect(await monthsHeld(database, months)).toEqual(everywhere(months));
  });
});

test('a second purge finds nothing, and clusters, keys, mappings and cost models stay', async () => {
  await addLastingRows(database, sourceUuid);
  const lasting = async () =>
    Promise.all(lastingTables.map((table) => query(`select * from ${table} order by 1`)));
  const before = await lasting();
  expect(before.every((rows) => rows.length > 0)).toBe(true);
  await cleanUp.purge(july);
  const held = await monthsHeld(database, months);
  expect(await lasting()).toEqual(before);
  expect(await cleanUp.purge(july)).toMatchObject({
    outcome: 'done',
    counts: { partitionCount: 0, summaryRowCount: 0, reportPeriodCount: 0, manifestCount: 0, objectCount: 0 },
  });
  expect(await monthsHeld(database, months)).toEqual(held);
});

test('rows of default partitions go, and their younger neighbours stay', async () => {
  await query(
    `insert into ${summary} (uuid, usage_start, usage_end, source_uuid)
     values (gen_random_uuid(), '2025-12-31', '2025-12-31', $1), (gen_random_uuid(), '2026-08-01', '2026-08-01', $1)`,
    [sourceUuid],
  );
  expect(await cleanUp.purge(july)).toMatchObject({ counts: { summaryRowCount: 1 } });
  const rows = await query(`select usage_start from ${summary}_default`);
  expect(rows).toEqual([{ usage_start: '2026-08-01' }]);
});

/**
 * A row of each of two days in a default partition, which our relations do not have but whoever runs them may have
 * made.
 */
async function addToDefaultPartition(table: string, days: [string, string]): Promise<void> {
  await query(`create table ${table}_default partition of ${table} default`);
  const required = await query<{ column: string; type: string }>(
    `select column_name as column, data_type as type
     from information_schema.columns
     where table_schema = $1 and table_name = $2 and is_nullable = 'NO'
         and column_name not in ('usage_day', 'source_uuid')`,
    [database.schema, table],
  );
  const filler = ({ type }: { type: string }) =>
    type === 'text' ? `'x'` : type.startsWith('timestamp') ? 'day' : '0';
  await query(
    `insert into ${table} (usage_day, source_uuid ${required.map(({ column }) => `, ${column}`).join('')})
     select day, $1 ${required.map((column) => `, ${filler(column)}`).join('')}
     from unnest($2::date[]) as listed (day)`,
    [sourceUuid, days],
  );
}

test('rows of daily relations that are in default partitions go, too', async () => {
  for (const table of relationTables) await addToDefaultPartition(table, ['2026-03-31', '2026-04-01']);
  expect(await cleanUp.purge(july)).toMatchObject({
    outcome: 'done',
    counts: { summaryRowCount: relationTables.length },
  });
  for (const table of relationTables)
    expect(await query(`select usage_day from ${table}`), table).toEqual([{ usage_day: '2026-04-01' }]);
});

test('tag values that another source still has stay', async () => {
  const other = await addMonthsOfData(database, 'cluster-2', ['2026-07']);
  await query(
    `update reporting_ocpusagepodlabel_summary set "values" = array['v2026-03-01']
     where report_period_id = (select id from reporting_ocpusagereportperiod where provider_id = $1)`,
    [other],
  );
  await cleanUp.purge(july);
  const rows = await query<{ value: string; cluster_ids: string[] }>(
    `select value, cluster_ids from reporting_ocptags_values where value < 'v2026-04' order by 1`,
  );
  expect(rows).toEqual([{ value: 'v2026-03-01', cluster_ids: ['cluster-2'] }]);
});

test('a manifest that also brought later days keeps them', async () => {
  await query(
    `insert into ocp_piece (file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count, checksum, hour_mask, live_hours)
     select file_id, manifest_id, source_uuid, report_period_id, report_kind, '2026-04-02', 'later', 0, 1, 'd', 1, 1
     from ocp_piece where usage_day = '2026-03-01'`,
  );
  expect(await cleanUp.purge(july)).toMatchObject({ counts: { manifestCount: 2, pieceCount: 3 } });
  expect(await query(`select usage_day from ocp_piece where object_key = 'later'`)).toEqual([
    { usage_day: '2026-04-02' },
  ]);
});

test('providers of other types keep their manifests', async () => {
  await database.pool.query(
    `with aws as (
         insert into public.api_provider (uuid, name, type, setup_complete, active, paused, customer_id)
         select gen_random_uuid(), 'aws', 'AWS', true, true, false, id from public.api_customer returning uuid
     )
     insert into public.reporting_common_costusagereportmanifest (assembly_id, billing_period_start_datetime, num_total_files, provider_id)
     select 'theirs', '2020-01-01', 1, uuid from aws`,
  );
  await cleanUp.purge(july);
  const { rows } = await database.pool.query(
    `select assembly_id from public.reporting_common_costusagereportmanifest where billing_period_start_datetime < '2026-04-01'`,
  );
  expect(rows).toEqual([{ assembly_id: 'theirs' }]);
});

test("where Koku's register of partitions has a trigger, the partition goes through it", async () => {
  await query(
    `create function drop_registered_partition() returns trigger language plpgsql as $$
     begin
         execute format('alter table %I.%I detach partition %I.%I', old.schema_name, old.partition_of_table_name, old.schema_name, old.table_name);
         execute format('drop table %I.%I', old.schema_name, old.table_name);
         insert into dropped_by_register values (old.table_name);
         return null;
     end
     $$`,
  );
  await query('create table dropped_by_register (name text)');
  await query(
    `create trigger drop_registered_partition after delete on partitioned_tables
     for each row execute function drop_registered_partition()`,
  );
  expect(await cleanUp.purge(july)).toMatchObject({ outcome: 'done', counts: { partitionCount: 3 * 22 } });
  expect(await monthsHeld(database, months)).toEqual(everywhere(sinceApril));
  // The staging tables are ours and in no register.
  expect(await query('select from dropped_by_register')).toHaveLength(3 * 16);
  expect(await query(`select from partitioned_tables where table_name like '%2026_03'`)).toEqual([]);
});

test('a table in use is reported, what depends on it waits, and the next purge does the rest', async () => {
  const reader = await database.pool.connect();
  await reader.query('begin');
  await reader.query(`lock table ${database.schema}.${summary} in access share mode`);
  const first = await cleanUp.purge(july);
  expect(first).toMatchObject({ outcome: 'busy', counts: { reportPeriodCount: 0, partitionCount: 3 * 21 } });
  expect(await query('select from reporting_ocpusagereportperiod')).toHaveLength(months.length);
  await reader.query('rollback');
  reader.release();
  expect(await cleanUp.purge(july)).toMatchObject({ outcome: 'done', counts: { partitionCount: 3 } });
  expect(await monthsHeld(database, months)).toEqual(everywhere(sinceApril));
});

test('a source that is being summarised is reported and purged the next time', async () => {
  const run = await database.pool.connect();
  await run.query('begin');
  await run.query(`select pg_advisory_xact_lock(hashtextextended('ocp-source:' || $1, 0))`, [sourceUuid]);
  expect(await cleanUp.purge(july)).toMatchObject({ outcome: 'busy', busy: [`source ${sourceUuid}`] });
  await run.query('rollback');
  run.release();
  expect(await cleanUp.purge(july)).toMatchObject({ outcome: 'done', counts: { reportPeriodCount: 3 } });
});

describe('daily CSVs and payloads', () => {
  const csv = (schema: string, day: string) =>
    dailyCsvKey({ schema, sourceUuid: 'a', manifestId: 1, fileIndex: 0 }, 'pod_usage', day as UsageDay);
  const days = ['2026-01-31', '2026-02-01', '2026-07-01'];

  async function addPayload(requestId: string, receivedAt: string): Promise<string> {
    const key = payloadKey(database.orgId, requestId);
    await putObject(cleanUp.objectStore, key);
    await database.pool.query(
      `insert into public.payload_inbox (org_id, request_id, source_kind, object_key, received_at) values ($1, $2, 'file', $3, $4)`,
      [database.orgId, requestId, key, receivedAt],
    );
    return key;
  }

  test('are kept for as many months as the archive is, by the month they are of', async () => {
    for (const day of days) await putObject(cleanUp.objectStore, csv(database.schema, day));
    await putObject(cleanUp.objectStore, csv(`${database.schema}0`, '2026-01-31'));
    await addPayload('old', '2026-01-31T23:59:59Z');
    const young = await addPayload('young', '2026-02-01T00:00:00Z');
    expect(await cleanUp.purge(july)).toMatchObject({ counts: { objectCount: 2, payloadCount: 1 } });
    expect((await keysOf(cleanUp.objectStore)).sort()).toEqual(
      [
        csv(database.schema, '2026-02-01'),
        csv(database.schema, '2026-07-01'),
        csv(`${database.schema}0`, '2026-01-31'),
        young,
      ].sort(),
    );
    const { rows } = await database.pool.query('select request_id from public.payload_inbox');
    expect(rows).toEqual([{ request_id: 'young' }]);
  });

  test('are never kept for fewer months than the summaries of the tenant', async () => {
    for (const day of days) await putObject(cleanUp.objectStore, csv(database.schema, day));
    await setTenantMonths(7);
    expect(await cleanUp.purge(july, { ARCHIVE_RETENTION: '4' })).toMatchObject({
      counts: { objectCount: 0 },
    });
    await query('update tenant_settings set data_retention_months = 6');
    expect(await cleanUp.purge(july, { ARCHIVE_RETENTION: '4' })).toMatchObject({
      counts: { objectCount: 1 },
    });
    expect(await keysOf(cleanUp.objectStore)).not.toContain(csv(database.schema, '2026-01-31'));
  });

  test('files of the lake go by their month, and those of a Koku in the same folders stay', async () => {
    const folder = (month: string) =>
      `data/parquet/${database.schema.replace(/^acct/, '')}/OCP/pod_usage/source=a/year=2026/month=${month}`;
    const expired = `${folder('01')}/2026-01-31-7-0123456789abcdef.parquet`;
    const kept = [
      `${folder('01')}/2026-01-31_4a8f_0.parquet`,
      `${folder('07')}/2026-07-01-8-0123456789abcdef.parquet`,
    ];
    for (const key of [expired, ...kept]) await putObject(cleanUp.objectStore, key);
    await cleanUp.purge(july);
    expect((await keysOf(cleanUp.objectStore)).sort()).toEqual(kept);
  });

  test('are kept for longer than the summaries when the archive is', async () => {
    for (const day of days) await putObject(cleanUp.objectStore, csv(database.schema, day));
    expect(await cleanUp.purge(july, { ARCHIVE_RETENTION: '7' })).toMatchObject({
      counts: { partitionCount: 3 * 22, objectCount: 0 },
    });
  });

  test('an archive without an inbox row stays until it is as old', async () => {
    const orphan = payloadKey(database.orgId, 'orphan');
    await putObject(cleanUp.objectStore, orphan);
    await cleanUp.purge(july);
    expect(await keysOf(cleanUp.objectStore)).toEqual([orphan]);
    await cleanUp.purge('2126-07-13T00:00:00Z');
    expect(await keysOf(cleanUp.objectStore)).toEqual([]);
  });
});
