import { expect } from 'vitest';
import { reportKinds, stagingTableOf } from '../../../domain/reports/report-kind.ts';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../../support/tables.ts';

type Row = Record<string, unknown>;

/**
 * Assert that a source that lived through a fault has what a source has that did not: summaries, dimensions, report
 * periods, ledgers, Koku's manifest and file status, line items in staging, its part of the tables all sources share.
 * Ids and times aside. And that each day was built once.
 */
export async function expectAsClean(
  database: TestDatabase,
  sourceUuid: string,
  cleanUuid: string,
): Promise<void> {
  expectSameTables(await snapshotTables(database, sourceUuid), await snapshotTables(database, cleanUuid));
  expect(await ledgersOf(database, sourceUuid)).toEqual(await ledgersOf(database, cleanUuid));
  expect(await stagingOf(database, sourceUuid)).toEqual(await stagingOf(database, cleanUuid));
  expect(await sharedRowsOf(database, sourceUuid)).toEqual(await sharedRowsOf(database, cleanUuid));
  const versions = Object.values(await dayVersions(database, sourceUuid));
  expect(versions).toEqual(versions.map(() => 1));
}

async function query(database: TestDatabase, text: string, values: unknown[]): Promise<Row[]> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<Row>(text, values),
  );
  return rows;
}

/** What the ledgers say, by table. */
async function ledgersOf(database: TestDatabase, sourceUuid: string): Promise<Record<string, Row[]>> {
  const of = (text: string) => query(database, text, [sourceUuid]);
  return {
    manifests: await of(
      `select manifest_uuid, daily_reports, hours_per_day, release from ocp_manifest where source_uuid = $1 order by 1`,
    ),
    files: await of(
      `select file_index, report_kind, file.state, row_count, rejected_row_count, message
       from ocp_file as file join ocp_manifest using (manifest_id) where source_uuid = $1 order by 1`,
    ),
    pieces: await of(
      `select file_index, usage_day, piece.report_kind, byte_count, piece.row_count, hour_mask, checksum, piece.state,
              staged_checksum, live_hours, processed_at is not null as processed
       from ocp_piece as piece join ocp_file using (file_id) where source_uuid = $1 order by 1, 2`,
    ),
    sums: await of(
      `select file_index, usage_day, hours, row_counts, core_seconds, byte_seconds, core_seconds_magnitude, byte_seconds_magnitude
       from ocp_piece_sum join ocp_piece as piece using (piece_id) join ocp_file using (file_id)
       where source_uuid = $1 order by 1, 2`,
    ),
    days: await of(
      `select usage_day, version, pieces_hash, rules, tags_version, cost_version, cost_settings_hash, validated_version
       from ocp_day where source_uuid = $1 order by 1`,
    ),
    months: await of(
      `select billing_month, rules, infrastructure, infrastructure_checked_at is not null as checked,
              cost_model_id, price_list_id, price_list_version, gpu_distribution, costs_since is not null as has_costs
       from ocp_source_month where source_uuid = $1 order by 1`,
    ),
    labelDays: await of(
      `select billing_month, data_source, namespace, node, labels, day_mask
       from ocp_label_days where source_uuid = $1 order by 2, 3, 4, labels_hash`,
    ),
    warnings: await of(`select * from ocp_validation_warning where source_uuid = $1`),
    publicManifests: await of(
      `select assembly_id, num_total_files, completed_datetime is not null as completed
       from public.reporting_common_costusagereportmanifest where provider_id = $1 order by 1`,
    ),
    publicFiles: await of(
      `select report_name, file.status, failed_status, file.completed_datetime is not null as completed
       from public.reporting_common_costusagereportstatus as file
       join public.reporting_common_costusagereportmanifest as manifest on manifest.id = file.manifest_id
       where provider_id = $1 order by 1`,
    ),
  };
}

/** Rows and a checksum of their contents, by kind of report; label sets by their labels. */
async function stagingOf(database: TestDatabase, sourceUuid: string): Promise<Row[]> {
  const own = `'{piece_id,source_uuid,report_period_id}'::text[]`;
  const counted = await Promise.all(
    reportKinds.map((kind) =>
      query(
        database,
        `select '${kind}' as kind, count(*) as rows, sum(hashtextextended((to_jsonb(item) - ${own})::text, 0)::numeric) as checksum
         from ${stagingTableOf(kind)} as item where source_uuid = $1`,
        [sourceUuid],
      ),
    ),
  );
  return counted.flat();
}

/** Rows of tables without a source that name the cluster in a list, such as tag values; without the list itself. */
async function sharedRowsOf(database: TestDatabase, sourceUuid: string): Promise<Row[]> {
  return query(
    database,
    `select key, value, namespaces, nodes
     from reporting_ocptags_values, public.api_provider as provider
     where provider.uuid = $1 and provider.name = any(cluster_aliases)
     order by key, value`,
    [sourceUuid],
  );
}
