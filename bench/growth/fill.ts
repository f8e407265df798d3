import type { ClientBase } from 'pg';
import { relationTables } from '../../domain/reports/relations.ts';
import { reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';
import { benchOrg } from '../databases.ts';
import { copyStatement } from './copy-statement.ts';
import type { RowCopy } from './copy-statement.ts';

/** A day of the program's own making, which the filling repeats. */
export interface FillPlan {
  /** sources that have this day; every other source is a copy of `fleetSeed` */
  seedDay: string;
  fleetSeed: string;
  /** all sources, seeds too */
  sources: readonly { sourceUuid: string; clusterId: string; seedUuid: string }[];
  /** first and last day to fill, both included */
  from: string;
  until: string;
  /** line items are in staging from this day on; those before were swept */
  stagedFrom: string;
}

const { schema } = benchOrg;

/** Label sets of the other clusters, which share theirs with the seed otherwise. */
const foreignLabelSetCount = 20_000;

/**
 * Fill the tables as a year of payloads would have: every row is a copy of one that the program made, under another
 * source and day, inserted by set-based statements through the partitioned tables. Ledgers, checksums and settings stay
 * consistent, so that the program finds nothing to do but the new day.
 */
export async function fillTables(client: ClientBase, plan: FillPlan): Promise<void> {
  await client.query(`set search_path = ${schema}, public`);
  await createFillTables(client, plan);
  for (const copy of [...ledgerCopies(plan), ...dimensionCopies(), ...labelCopies(plan)])
    await client.query(await copyStatement(client, copy));
  await finishLabels(client, plan);
  for (const table of relationTables)
    await client.query(await copyStatement(client, relationCopy(plan, table)));
  for (const table of summaryTableNames)
    await client.query(await copyStatement(client, summaryCopy(plan, table)));
  for (const kind of reportKinds) {
    const table = stagingTableOf(kind);
    await client.query(await copyStatement(client, stagingCopy(plan, table)));
  }
  // As autovacuum has long done on tables that grew over a year.
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
}

/** Which source, day, month, manifest, file and piece is made from which. */
async function createFillTables(client: ClientBase, plan: FillPlan): Promise<void> {
  const sources = JSON.stringify(plan.sources);
  await client.query(
    `create temporary table fill_source as
     select "sourceUuid"::uuid as source_uuid, "clusterId" as cluster_id, "seedUuid"::uuid as seed_uuid
     from json_to_recordset($1) as source ("sourceUuid" text, "clusterId" text, "seedUuid" text)`,
    [sources],
  );
  await client.query(
    `insert into reporting_ocpusagereportperiod
         (cluster_id, cluster_alias, report_period_start, report_period_end, provider_id, summary_data_creation_datetime, summary_data_updated_datetime)
     select source.cluster_id, seed.cluster_alias, month, month + interval '1 month', source.source_uuid, now(), now()
     from fill_source as source
     join reporting_ocpusagereportperiod as seed on seed.provider_id = source.seed_uuid
     cross join generate_series(date_trunc('month', $1::date at time zone 'UTC'), $2::date at time zone 'UTC', interval '1 month') as month
     on conflict do nothing`,
    [plan.from, plan.until],
  );
  await client.query(
    `create temporary table fill_month as
     select
         source.*,
         (period.report_period_start at time zone 'UTC')::date as month,
         period.id as report_period_id,
         seed.id as seed_period_id
     from fill_source as source
     join reporting_ocpusagereportperiod as period on period.provider_id = source.source_uuid
     join reporting_ocpusagereportperiod as seed
         on seed.provider_id = source.seed_uuid
         and seed.report_period_start = date_trunc('month', '${plan.seedDay}'::date at time zone 'UTC')`,
  );
  await client.query(
    `create temporary table fill_day as
     select
         month.*,
         day::date as usage_day,
         nextval(pg_get_serial_sequence('public.reporting_common_costusagereportmanifest', 'id'))::integer as manifest_id,
         gen_random_uuid() as manifest_uuid
     from generate_series($1::date, $2::date, interval '1 day') as day
     join fill_month as month on month.month = date_trunc('month', day)::date
     where month.source_uuid <> month.seed_uuid
         or day::date <> $3::date
     order by day, month.source_uuid`,
    [plan.from, plan.until, plan.seedDay],
  );
  await client.query(
    `create temporary table fill_file as
     select day.*, file.file_id as seed_file_id, nextval(pg_get_serial_sequence('${schema}.ocp_file', 'file_id')) as file_id
     from fill_day as day
     join ocp_manifest as manifest on manifest.source_uuid = day.seed_uuid
     join ocp_file as file on file.manifest_id = manifest.manifest_id`,
  );
  await client.query(
    `create temporary table fill_piece as
     select file.*, piece.piece_id as seed_piece_id, nextval(pg_get_serial_sequence('${schema}.ocp_piece', 'piece_id')) as piece_id
     from fill_file as file
     join ocp_piece as piece on piece.file_id = file.seed_file_id
     order by file.usage_day, file.source_uuid`,
  );
  for (const table of ['fill_source', 'fill_month', 'fill_day', 'fill_file', 'fill_piece'])
    await client.query(`analyze ${table}`);
}

function ledgerCopies({ seedDay, stagedFrom }: FillPlan): RowCopy[] {
  const isStaged = `fill.usage_day >= date '${stagedFrom}'`;
  const ofDay = { source_uuid: 'fill.source_uuid', usage_day: 'fill.usage_day' };
  return [
    {
      schema: 'public',
      table: 'reporting_common_costusagereportmanifest',
      changes: {
        id: 'fill.manifest_id',
        assembly_id: 'fill.manifest_uuid::text',
        provider_id: 'fill.source_uuid',
        cluster_id: 'fill.cluster_id',
        billing_period_start_datetime: `fill.month at time zone 'UTC'`,
        export_datetime: `seed.export_datetime + (fill.usage_day - date '${seedDay}') * interval '1 day'`,
      },
      from: 'fill_day as fill join public.reporting_common_costusagereportmanifest as seed on seed.provider_id = fill.seed_uuid',
    },
    {
      schema: 'public',
      table: 'reporting_common_costusagereportstatus',
      changes: { id: 'default', manifest_id: 'fill.manifest_id' },
      from: `fill_day as fill
join ocp_manifest as original on original.source_uuid = fill.seed_uuid
join public.reporting_common_costusagereportstatus as seed on seed.manifest_id = original.manifest_id`,
    },
    {
      schema,
      table: 'ocp_manifest',
      changes: {
        manifest_id: 'fill.manifest_id',
        manifest_uuid: 'fill.manifest_uuid',
        source_uuid: 'fill.source_uuid',
        manifest_date: `seed.manifest_date + (fill.usage_day - date '${seedDay}') * interval '1 day'`,
        hours_per_day: 'jsonb_build_object(fill.usage_day::text, 24)',
      },
      from: 'fill_day as fill join ocp_manifest as seed on seed.source_uuid = fill.seed_uuid',
    },
    {
      schema,
      table: 'ocp_file',
      changes: { file_id: 'fill.file_id', manifest_id: 'fill.manifest_id' },
      from: 'fill_file as fill join ocp_file as seed on seed.file_id = fill.seed_file_id',
    },
    {
      schema,
      table: 'ocp_piece',
      changes: {
        ...ofDay,
        piece_id: 'fill.piece_id',
        file_id: 'fill.file_id',
        manifest_id: 'fill.manifest_id',
        report_period_id: 'fill.report_period_id',
        state: `case when ${isStaged} then 'staged' else 'swept' end`,
        staged_checksum: `case when ${isStaged} then seed.staged_checksum end`,
      },
      from: 'fill_piece as fill join ocp_piece as seed on seed.piece_id = fill.seed_piece_id',
    },
    {
      schema,
      table: 'ocp_piece_sum',
      changes: { piece_id: 'fill.piece_id' },
      from: 'fill_piece as fill join ocp_piece_sum as seed on seed.piece_id = fill.seed_piece_id',
    },
    {
      schema,
      table: 'ocp_day',
      changes: ofDay,
      from: 'fill_day as fill join ocp_day as seed on seed.source_uuid = fill.seed_uuid',
    },
    {
      schema,
      table: 'ocp_node_day',
      changes: ofDay,
      from: 'fill_day as fill join ocp_node_day as seed on seed.source_uuid = fill.seed_uuid',
    },
    {
      schema,
      table: 'ocp_source_month',
      changes: { source_uuid: 'fill.source_uuid', billing_month: 'fill.month' },
      from: 'fill_month as fill join ocp_source_month as seed on seed.source_uuid = fill.seed_uuid',
      onConflict: 'on conflict do nothing',
    },
    {
      schema: 'public',
      table: 'payload_inbox',
      changes: { id: 'gen_random_uuid()', request_id: 'fill.manifest_uuid::text' },
      from: 'fill_day as fill cross join (select * from public.payload_inbox limit 1) as seed',
    },
  ];
}

/** What was seen in the clusters; seeds have theirs. */
function dimensionCopies(): RowCopy[] {
  const clusters = `fill_source as fill
join reporting_ocp_clusters as original on original.provider_id = fill.seed_uuid`;
  const ofCluster = (table: string): RowCopy => ({
    schema,
    table,
    changes: { uuid: 'gen_random_uuid()', cluster_id: 'copied.uuid' },
    from: `${clusters}
join reporting_ocp_clusters as copied on copied.provider_id = fill.source_uuid
join ${table} as seed on seed.cluster_id = original.uuid
where fill.source_uuid <> fill.seed_uuid`,
  });
  return [
    {
      schema,
      table: 'reporting_ocp_clusters',
      changes: { uuid: 'gen_random_uuid()', cluster_id: 'fill.cluster_id', provider_id: 'fill.source_uuid' },
      from: `${clusters.replace('as original', 'as seed').replace('original.', 'seed.')}
where fill.source_uuid <> fill.seed_uuid`,
    },
    ...['reporting_ocp_nodes', 'reporting_ocp_projects', 'reporting_ocp_pvcs'].map(ofCluster),
  ];
}

function labelCopies({ seedDay }: FillPlan): RowCopy[] {
  const others = `fill.report_period_id <> fill.seed_period_id`;
  const everyDay = `(1::bigint << extract(day from fill.month + interval '1 month - 1 day')::integer) - 1`;
  return [
    {
      schema,
      table: 'ocp_label_days',
      changes: {
        label_days_id: 'default',
        source_uuid: 'fill.source_uuid',
        billing_month: 'fill.month',
        day_mask: `(${everyDay})::bit(32)::integer`,
      },
      from: `fill_month as fill
join ocp_label_days as seed
    on seed.source_uuid = fill.seed_uuid
    and seed.billing_month = date_trunc('month', date '${seedDay}')::date
where ${others}`,
    },
    ...['reporting_ocpusagepodlabel_summary', 'reporting_ocpstoragevolumelabel_summary'].map((table) => ({
      schema,
      table,
      changes: { uuid: 'gen_random_uuid()', report_period_id: 'fill.report_period_id' },
      from: `fill_month as fill
join ${table} as seed on seed.report_period_id = fill.seed_period_id
where ${others}`,
    })),
  ];
}

/** Tag values know all clusters they occur in; and the other clusters have label sets of their own. */
async function finishLabels(client: ClientBase, { fleetSeed }: FillPlan): Promise<void> {
  await client.query(
    `update reporting_ocptags_values as tag
     set cluster_ids = fleet.ids,
         cluster_aliases = array(select distinct unnest(tag.cluster_aliases) order by 1)
     from (
         select array_agg(cluster_id order by cluster_id) as ids
         from fill_source
         where seed_uuid = $1
     ) as fleet
     where tag.cluster_ids && array(select cluster_id::text from fill_source where source_uuid = $1)`,
    [fleetSeed],
  );
  await client.query(
    `insert into ocp_label_set (labels_hash, labels, enabled_labels, enabled_keys_hash)
     select
         sha256(convert_to('fill-' || number, 'UTF8')),
         seed.labels || jsonb_build_object('app', 'other-' || number),
         seed.enabled_labels || jsonb_build_object('app', 'other-' || number),
         seed.enabled_keys_hash
     from generate_series(1, ${foreignLabelSetCount}) as number
     cross join (select * from ocp_label_set order by label_set_id limit 1) as seed`,
  );
}

function relationCopy({ seedDay }: FillPlan, table: string): RowCopy {
  const later = `(fill.usage_day - date '${seedDay}') * interval '1 day'`;
  return {
    schema,
    table,
    changes: {
      usage_day: 'fill.usage_day',
      source_uuid: 'fill.source_uuid',
      first_hour: `seed.first_hour + ${later}`,
      last_hour: `seed.last_hour + ${later}`,
    },
    from: `fill_day as fill
join ${table} as seed on seed.source_uuid = fill.seed_uuid and seed.usage_day = date '${seedDay}'`,
  };
}

function summaryCopy({ seedDay }: FillPlan, table: string): RowCopy {
  return {
    schema,
    table,
    changes: {
      uuid: 'gen_random_uuid()',
      id: 'gen_random_uuid()',
      usage_start: 'fill.usage_day',
      usage_end: 'fill.usage_day',
      source_uuid: 'fill.source_uuid',
      cluster_id: 'fill.cluster_id',
      report_period_id: 'fill.report_period_id',
    },
    from: `fill_day as fill
join ${table} as seed on seed.source_uuid = fill.seed_uuid and seed.usage_start = date '${seedDay}'`,
  };
}

function stagingCopy({ seedDay, stagedFrom }: FillPlan, table: string): RowCopy {
  return {
    schema,
    table,
    changes: {
      interval_start: `seed.interval_start + (fill.usage_day - date '${seedDay}') * interval '1 day'`,
      piece_id: 'fill.piece_id',
      source_uuid: 'fill.source_uuid',
      report_period_id: 'fill.report_period_id',
    },
    // Piece after piece, as loads leave them.
    from: `fill_piece as fill
join ${table} as seed on seed.piece_id = fill.seed_piece_id
where fill.usage_day >= date '${stagedFrom}'
order by fill.piece_id`,
  };
}
