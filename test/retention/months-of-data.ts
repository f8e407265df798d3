import { inTenantTransaction } from '../../platform/database/database.ts';
import { ensureMonthlyPartitions } from '../../platform/database/partitions.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';
import type { TestDatabase } from '../support/database.ts';
import { stagingTables } from './clean-up.ts';

/** Tables that hold something of each month, and the condition that finds the rows of a month whose first day is $1. */
const monthlyTables: ReadonlyMap<string, string> = new Map([
  ...summaryTableNames.map((table): [string, string] => [
    table,
    `date_trunc('month', usage_start) = $1::date`,
  ]),
  ...stagingTables.map((table): [string, string] => [
    table,
    `date_trunc('month', interval_start) = $1::date::timestamp at time zone 'UTC'`,
  ]),
  ['reporting_ocpusagereportperiod', `report_period_start = $1::date::timestamp at time zone 'UTC'`],
  ['reporting_ocpusagepodlabel_summary', `values = array['v' || $1::date]`],
  ['reporting_ocpstoragevolumelabel_summary', `values = array['w' || $1::date]`],
  ['reporting_ocptags_values', `value in ('v' || $1::date, 'w' || $1::date)`],
  ['ocp_label_days', 'billing_month = $1::date'],
  ['ocp_day', 'usage_day = $1::date'],
  ['ocp_validation_warning', 'usage_day = $1::date'],
  ['ocp_engine_comparison', 'usage_day = $1::date'],
  ['ocp_source_month', 'billing_month = $1::date'],
  ['ocp_manifest', `manifest_date = $1::date::timestamp at time zone 'UTC'`],
  ['ocp_file', `file_name = 'file of ' || $1::date`],
  ['ocp_piece', 'usage_day = $1::date'],
  [
    'public.reporting_common_costusagereportmanifest',
    `billing_period_start_datetime = $1::date::timestamp at time zone 'UTC'`,
  ],
  ['public.reporting_common_costusagereportstatus', `report_name = 'file of ' || $1::date`],
]);

/** Tables whose rows no age removes. */
export const lastingTables: readonly string[] = [
  'reporting_ocp_clusters',
  'reporting_ocp_nodes',
  'reporting_ocp_projects',
  'reporting_ocp_pvcs',
  'reporting_enabledtagkeys',
  'reporting_tagmapping',
  'cost_model',
];

/** Register a source, and put a row of each month into every table that holds months. @returns its uuid */
export async function addMonthsOfData(
  database: TestDatabase,
  clusterId: string,
  months: readonly string[],
): Promise<string> {
  const { pool, url, orgId, schema } = database;
  const { sourceUuid } = await registerSource(
    { pool, databaseUrl: url, log: { info: () => undefined } },
    { orgId, clusterId, name: clusterId },
  );
  const client = await pool.connect();
  try {
    const tables = [...stagingTables, ...summaryTableNames];
    await ensureMonthlyPartitions(client, { schema, tables, months });
  } finally {
    client.release();
  }
  await inTenantTransaction(pool, schema, async (tenant) => {
    await tenant.query(
      `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
       values (gen_random_uuid(), 'key', true, 'OCP') on conflict do nothing`,
    );
  });
  for (const month of months) await addMonth(database, sourceUuid, clusterId, `${month}-01`);
  return sourceUuid;
}

async function addMonth(
  database: TestDatabase,
  sourceUuid: string,
  clusterId: string,
  firstDay: string,
): Promise<void> {
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    const { rows } = await client.query<{ id: number }>(
      `insert into reporting_ocpusagereportperiod (cluster_id, cluster_alias, report_period_start, report_period_end, provider_id)
       values ($2, $2, $1::date, $1::date + interval '1 month', $3) returning id`,
      [firstDay, clusterId, sourceUuid],
    );
    const period = rows[0]?.id ?? 0;
    for (const table of summaryTableNames)
      await client.query(await insertOfSummaryRow(database, table), [firstDay, sourceUuid]);
    await client.query(ledgerOfMonth, [firstDay, sourceUuid, period]);
    const { rows: tables } = await client.query<{ name: string; labels: string[] }>(
      `select table_name as name, array_agg(column_name::text) filter (where column_name like '%label_set_id') as labels
       from information_schema.columns where table_schema = $1 and table_name = any($2) group by table_name`,
      [database.schema, stagingTables],
    );
    for (const { name, labels } of tables) {
      const sets = (labels as string[] | null) ?? [];
      await client.query(
        `insert into ${name} (interval_start, piece_id, source_uuid, report_period_id ${sets.map((set) => `, ${set}`).join('')})
         select $1::date, piece_id, $2, $3 ${sets.map(() => ', 0').join('')} from ocp_piece where usage_day = $1::date limit 1`,
        [firstDay, sourceUuid, period],
      );
    }
  });
}

/** One row, with something in every column that may not be NULL. */
async function insertOfSummaryRow(database: TestDatabase, table: string): Promise<string> {
  const { rows } = await database.pool.query<{ column: string; type: string }>(
    `select column_name as column, data_type as type
     from information_schema.columns
     where table_schema = $1 and table_name = $2
         and (is_nullable = 'NO' or column_name in ('usage_end', 'source_uuid', 'report_period_id'))`,
    [database.schema, table],
  );
  const valueOf = ({ column, type }: { column: string; type: string }) => {
    if (column === 'source_uuid') return '$2::uuid';
    if (column === 'report_period_id')
      return '(select id from reporting_ocpusagereportperiod where provider_id = $2 and report_period_start = $1::date)';
    if (type === 'date') return '$1::date';
    if (type === 'uuid') return 'gen_random_uuid()';
    if (type === 'jsonb') return `'{}'`;
    return type === 'text' || type === 'character varying' ? `'x'` : '0';
  };
  return `insert into ${table} (${rows.map(({ column }) => column).join(', ')})
    values (${rows.map(valueOf).join(', ')})`;
}

const ledgerOfMonth = `
  with public_manifest as (
      insert into public.reporting_common_costusagereportmanifest (assembly_id, billing_period_start_datetime, num_total_files, provider_id)
      values (gen_random_uuid(), $1::date, 1, $2) returning id
  ),
  file_status as (
      insert into public.reporting_common_costusagereportstatus (report_name, manifest_id, status)
      select 'file of ' || $1::date, id, 1 from public_manifest
  ),
  manifest as (
      insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports, release)
      select id, $2, gen_random_uuid(), $1::date, true, 'complete' from public_manifest returning manifest_id
  ),
  file as (
      insert into ocp_file (manifest_id, file_index, file_name, report_kind, state)
      select manifest_id, 0, 'file of ' || $1::date, 'pod_usage', 'split' from manifest returning file_id, manifest_id
  ),
  piece as (
      insert into ocp_piece (
          file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count,
          checksum, state, staged_checksum, hour_mask, live_hours, processed_at
      )
      select file_id, manifest_id, $2, $3, 'pod_usage', $1, 'k', 0, 1, 'c', 'staged', 'c', 1, 1, now() from file
  ),
  day as (
      insert into ocp_day (source_uuid, usage_day, version, pieces_hash, settings_hash, rules)
      values ($2, $1, 1, 'p', 's', 'design')
  ),
  warning as (
      insert into ocp_validation_warning (source_uuid, usage_day, version, check_name, expected, found)
      values ($2, $1, 1, 'pod_rows', 1, 2)
  ),
  comparison as (
      insert into ocp_engine_comparison (source_uuid, usage_day, shadow, outcome, different_row_count, differences)
      values ($2, $1, 'trino', 'equal', 0, '[]')
  ),
  month as (
      insert into ocp_source_month (source_uuid, billing_month, rules) values ($2, $1, 'design')
  ),
  label_days as (
      insert into ocp_label_days (source_uuid, billing_month, data_source, namespace, labels_hash, labels, day_mask)
      values ($2, $1, 'Pod', 'n', gen_random_uuid(), jsonb_build_object('key', 'v' || $1::date), 1)
  ),
  pod_labels as (
      insert into reporting_ocpusagepodlabel_summary (uuid, key, "values", namespace, node, report_period_id)
      values (gen_random_uuid(), 'key', array['v' || $1::date], 'n', 'w', $3)
  ),
  volume_labels as (
      insert into reporting_ocpstoragevolumelabel_summary (uuid, key, "values", namespace, node, report_period_id)
      values (gen_random_uuid(), 'key', array['w' || $1::date], 'n', 'w', $3)
  )
  insert into reporting_ocptags_values (uuid, key, value, cluster_ids, cluster_aliases, namespaces, nodes)
  select gen_random_uuid(), 'key', value, '{}', '{}', '{}', '{}'
  from unnest(array['v' || $1::date, 'w' || $1::date]) as listed (value)
  on conflict do nothing`;

/** Rows of things that outlive any month: cluster, node, project, claim, mapping, cost model. */
export async function addLastingRows(database: TestDatabase, sourceUuid: string): Promise<void> {
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    await client.query(
      `with cluster as (
           insert into reporting_ocp_clusters (uuid, cluster_id, cluster_alias, provider_id)
           values (gen_random_uuid(), 'c', 'c', $1) returning uuid
       ),
       node as (
           insert into reporting_ocp_nodes (uuid, node, cluster_id) select gen_random_uuid(), 'w', uuid from cluster
       ),
       project as (
           insert into reporting_ocp_projects (uuid, project, cluster_id) select gen_random_uuid(), 'n', uuid from cluster
       ),
       claim as (
           insert into reporting_ocp_pvcs (uuid, persistent_volume_claim, persistent_volume, cluster_id)
           select gen_random_uuid(), 'c', 'v', uuid from cluster
       ),
       child as (
           insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
           values (gen_random_uuid(), 'child', true, 'OCP') returning uuid
       ),
       mapping as (
           insert into reporting_tagmapping (child_id, parent_id)
           select child.uuid, parent.uuid from child, reporting_enabledtagkeys as parent where parent.key = 'key'
       )
       insert into cost_model (
           uuid, name, description, source_type, created_timestamp, updated_timestamp, rates, markup, distribution, currency,
           distribution_info
       )
       values (gen_random_uuid(), 'm', '', 'OCP', now(), now(), '[]', '{}', 'cpu', 'USD', '{}')`,
      [sourceUuid],
    );
  });
}

/** Months, `YYYY-MM`, of which each table still holds rows; tables that all hold the same months are named together. */
export async function monthsHeld(
  database: TestDatabase,
  months: readonly string[],
): Promise<Record<string, string[]>> {
  return inTenantTransaction(database.pool, database.schema, async (client) => {
    const held: Record<string, string[]> = {};
    for (const [table, condition] of monthlyTables) {
      const found: string[] = [];
      for (const month of months) {
        const { rows } = await client.query(`select from ${table} where ${condition} limit 1`, [
          `${month}-01`,
        ]);
        if (rows.length > 0) found.push(month);
      }
      held[table] = found;
    }
    return held;
  });
}

/** What {@link monthsHeld} answers when every table holds these months. */
export function everywhere(months: readonly string[]): Record<string, string[]> {
  return Object.fromEntries([...monthlyTables.keys()].map((table) => [table, [...months]]));
}

/** Put an object of a few bytes. */
export async function putObject(store: ObjectStore, key: string): Promise<void> {
  await store.put(key, Buffer.from('x'));
}

/** Keys of all objects. */
export async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}
