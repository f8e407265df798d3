import type { PoolClient } from 'pg';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { awaitLock } from '../platform/database/locks.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { runStep } from '../summary/month-step.ts';
import type { MonthInput, StepAnswer } from '../summary/month-step.ts';

/** Cloud provider that a cluster runs on. */
export interface CloudInfrastructure {
  providerUuid: string;
  /** as the provider is registered, for example AWS */
  type: string;
}

/** infrastructure: null if no cloud bill of the tenant contains a node of the cluster */
export type CheckCloudInfrastructureResult = StepAnswer<{ infrastructure: CloudInfrastructure | null }>;

type Match = CloudInfrastructure & { nodeCount: number };

const sql = {
  present: loadSql('summary/cloud/present_infrastructure.sql'),
  tables: loadSql('summary/cloud/line_item_tables.sql'),
  pair: loadSql('summary/cloud/pair_infrastructure.sql'),
  record: loadSql('summary/cloud/record_infrastructure.sql'),
};

/**
 * Tables of bills that name the billed resource, and the columns that the statement named like a table reads. A table
 * that the tenant does not have is never read.
 */
const billColumns = {
  aws_line_items_daily: ['source', 'lineitem_usagestartdate', 'lineitem_resourceid'],
  azure_line_items: ['source', 'date', 'resourceid'],
  gcp_line_items_daily: ['source', 'usage_start_time', 'resource_name'],
  reporting_awscostentrylineitem_daily_summary: ['source_uuid', 'usage_start', 'resource_ids'],
  reporting_azurecostentrylineitem_daily_summary: ['source_uuid', 'usage_start', 'instance_ids'],
} as const;

/** How the bills in each table are matched. */
const matchSqlByTable: ReadonlyMap<string, string> = new Map(
  Object.keys(billColumns).map((table) => [table, loadSql(`summary/cloud/${table}.sql`)]),
);

/**
 * Find out which cloud provider a cluster runs on, from the bills in the tenant's schema, and link the two.
 * A cluster has one infrastructure: once linked it stays linked, and of several matches the provider that bills most of
 * its nodes wins. The result, even if there is none, is recorded for the month.
 * Without cloud bills this costs one look at the catalog. One transaction; a second call finds the same.
 *
 * @throws PipelineError `SourceVanished` (not retried) if the source is no longer registered
 */
export async function checkCloudInfrastructure(
  deps: ActivityDependencies,
  input: MonthInput,
): Promise<CheckCloudInfrastructureResult> {
  return runStep(deps, 'cloud', input, async ({ client, sourceUuid, monthStart }) => {
    const infrastructure =
      (await presentInfrastructure(client, sourceUuid)) ??
      (await pairWithBestMatch(client, sourceUuid, monthStart));
    await client.query(sql.record, [
      sourceUuid,
      monthStart,
      infrastructure?.type ?? 'none',
      infrastructure?.providerUuid ?? null,
    ]);
    return { infrastructure: infrastructure ?? null };
  });
}

async function presentInfrastructure(
  client: PoolClient,
  sourceUuid: string,
): Promise<CloudInfrastructure | undefined> {
  const { rows } = await client.query<CloudInfrastructure>(sql.present, [sourceUuid]);
  return rows[0];
}

async function pairWithBestMatch(
  client: PoolClient,
  sourceUuid: string,
  monthStart: UsageDay,
): Promise<CloudInfrastructure | undefined> {
  const tables = await client.query<{ tableName: string }>(sql.tables, [JSON.stringify(billColumns)]);
  const matches: Match[] = [];
  for (const { tableName } of tables.rows) {
    const matchSql = matchSqlByTable.get(tableName);
    if (matchSql === undefined) throw new Error(`no statement matches the bills in ${tableName}`);
    matches.push(...(await client.query<Match>(matchSql, [sourceUuid, monthStart])).rows);
  }
  const best = matches.sort(byNodeCount)[0];
  if (best === undefined) return undefined;
  // Two clusters on one cloud provider share its row.
  await awaitLock(client, 'infrastructure', best.providerUuid);
  await client.query(sql.pair, [sourceUuid, best.providerUuid, best.type]);
  // The stored value counts: another transaction may have linked the cluster meanwhile.
  return presentInfrastructure(client, sourceUuid);
}

/** Most nodes first; the UUID breaks ties, so that every attempt returns the same result. */
function byNodeCount(a: Match, b: Match): number {
  return b.nodeCount - a.nodeCount || (a.providerUuid < b.providerUuid ? -1 : 1);
}
