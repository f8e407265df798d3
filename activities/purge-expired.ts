import { Context, log } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { PoolClient } from 'pg';
import { addCounts, nothingPurged, purgedSoFar } from '../domain/run/cleanup.ts';
import type { PurgedCounts, PurgedTenant, PurgeSoFar, Tenant } from '../domain/run/cleanup.ts';
import { kindOfStagingTable } from '../domain/reports/report-kind.ts';
import { firstDayKept } from '../domain/time/retention.ts';
import { maxNamesInHistory } from '../domain/run/run.ts';
import { startOfDayMs } from '../domain/time/usage-day.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { awaitLock, tryLock } from '../platform/database/locks.ts';
import { quoteQualified } from '../platform/database/schema-names.ts';
import { forgetCachedAnswers } from '../summary/cached-answers.ts';
import { monthlyTables } from '../summary/ensure-partitions.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { relationTables } from '../domain/reports/relations.ts';
import { summaryTableNames } from '../domain/reports/summary-tables.ts';
import { cleanUpTime } from '../retention/clean-up-time.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { dropPartition, expiredPartitions, isBusy } from '../retention/drop-partition.ts';
import type { ExpiredPartition } from '../retention/drop-partition.ts';
import { toApplicationFailure } from '../platform/temporal/activity-failure.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import { purgeDailyCsvs, purgeLake, purgePayloads } from '../retention/purge-objects.ts';
import { retentionMonths } from '../retention/retention-months.ts';

export interface PurgeTenantInput extends Tenant {
  nowIso?: string;
}

const sql = {
  lockPieces: loadSql('retention/lock_pieces.sql'),
  markSwept: loadSql('retention/mark_swept.sql'),
  expiredSources: loadSql('retention/expired_sources.sql'),
  deleteLabels: loadSql('retention/delete_labels.sql'),
  deleteDays: loadSql('retention/delete_days.sql'),
  deleteNodeDays: loadSql('retention/delete_node_days.sql'),
  deletePieces: loadSql('retention/delete_pieces.sql'),
  deleteManifests: loadSql('retention/delete_manifests.sql'),
  deleteReportPeriods: loadSql('retention/delete_report_periods.sql'),
  tagValues: loadSql('summary/tags/tag_values.sql'),
};

/** While we wait for a table or a row, everybody queued behind us waits too. */
const lockTimeout = '2s';

/** Months for which payloads and daily CSVs are kept if nothing is configured. */
const defaultArchiveMonths = 6;

/** What one purge of a tenant works on. */
interface Purge {
  deps: ActivityDependencies;
  tenant: Tenant;
  /** first day for which summaries and ledgers are kept */
  firstDay: UsageDay;
  signal: AbortSignal;
  /** send a heartbeat with the current position */
  at(what: string): void;
  /** called when something has been removed permanently */
  committed(): void;
  counts: PurgedCounts;
  /** partitions, tables and sources that are in use */
  busy: string[];
  /** tables of which a partition could not be dropped */
  busyTables: Set<string>;
}

/**
 * Remove one tenant's months that are older than its retention: partitions, rows of default partitions, then report
 * periods, manifests and ledgers of each source, then tag values that no label summary contains any more, then the
 * lake's files, then daily CSVs and raw payloads, which have their own, longer retention. Clusters, nodes, projects,
 * claims, enabled keys, mappings and cost models stay. One transaction per partition and step. Rerun: finds what is
 * left, and adds to the counts of earlier attempts, which are passed on in heartbeats.
 *
 * @throws ApplicationFailure whose details hold the counts of all attempts
 */
export async function purgeTenant(
  deps: ActivityDependencies,
  input: PurgeTenantInput,
): Promise<PurgedTenant> {
  const { orgId, schema } = input;
  const retention = await retentionMonths(deps, schema);
  if ('unreadable' in retention) {
    log.error('the retention setting of a tenant cannot be read; nothing is purged', {
      orgId,
      reason: retention.unreadable,
    });
    return { outcome: 'skipped', reason: retention.unreadable };
  }
  const now = cleanUpTime(deps, input.nowIso);
  return withHeartbeat(async (report, signal) => {
    let what = '';
    const purge: Purge = {
      deps,
      tenant: { orgId, schema },
      firstDay: firstDayKept(now, retention.months),
      signal,
      at: (now) => {
        signal.throwIfAborted();
        what = now;
        report({ file: what, counts: purge.counts });
      },
      committed: () => {
        report({ file: what, counts: purge.counts });
      },
      counts: purgedSoFar(Context.current().info.heartbeatDetails),
      busy: [],
      busyTables: new Set(),
    };
    // A tenant may keep its data for longer than the deployment keeps the archive.
    const archiveMonths = Math.max(deps.config.ARCHIVE_RETENTION ?? defaultArchiveMonths, retention.months);
    try {
      return await removeExpired(purge, firstDayKept(now, archiveMonths));
    } catch (error) {
      throw withCounts(error, purge.counts);
    }
  });
}

async function removeExpired(purge: Purge, archiveFirstDay: UsageDay): Promise<PurgedTenant> {
  await dropExpiredPartitions(purge);
  await deleteRemainingRows(purge);
  // Summary rows reference report periods, so the periods go after them.
  if (purge.busy.length === 0) await forgetSources(purge);
  if (purge.busy.length > 0)
    return { outcome: 'busy', busy: purge.busy.slice(0, maxNamesInHistory), counts: purge.counts };
  await refreshTagValues(purge);
  await purgeArchive(purge, archiveFirstDay);
  await forgetCachedAnswers(purge.deps, purge.tenant.schema);
  return { outcome: 'done', counts: purge.counts };
}

/** If no attempt follows, the workflow learns from the failure what was removed. */
function withCounts(error: unknown, counts: PurgedCounts): unknown {
  const failure = toApplicationFailure(error);
  if (!(failure instanceof ApplicationFailure)) return failure;
  const { type, message, nonRetryable } = failure;
  const details: PurgeSoFar[] = [{ counts }];
  return ApplicationFailure.create({
    type: type ?? 'Unexpected',
    message,
    nonRetryable: nonRetryable ?? false,
    details,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

function count(purge: Purge, more: Partial<PurgedCounts>): void {
  purge.counts = addCounts(purge.counts, { ...nothingPurged, ...more });
}

async function dropExpiredPartitions(purge: Purge): Promise<void> {
  const { deps, tenant, signal } = purge;
  const cutoff = new Date(startOfDayMs(purge.firstDay));
  for (const partition of await expiredPartitions(deps.pool, tenant.schema, monthlyTables, cutoff)) {
    // One wait per table is enough: the workflow asks again.
    if (purge.busyTables.has(partition.parent)) continue;
    purge.at(partition.name);
    const outcome = await dropPartition(
      deps.pool,
      tenant.schema,
      partition,
      async (client) => {
        await markStagingSwept(client, partition);
        return true;
      },
      signal,
    );
    if (outcome === 'busy') {
      purge.busy.push(partition.name);
      purge.busyTables.add(partition.parent);
    }
    if (outcome === 'dropped') {
      count(purge, { partitionCount: 1 });
      purge.committed();
    }
  }
}

/** Until the ledger rows go too, the ledger must not say that the pieces are in staging. */
async function markStagingSwept(client: PoolClient, partition: ExpiredPartition): Promise<void> {
  const kind = kindOfStagingTable(partition.parent);
  if (kind === undefined) return;
  const range = [kind, partition.from_day, partition.until_day];
  await client.query(sql.lockPieces, range);
  await client.query(sql.markSwept, range);
}

/** The tables whose rows go with their month, and their column of the day; rows of staging go with their pieces. */
const dayColumns: readonly (readonly [table: string, column: string])[] = [
  ...relationTables.map((table) => [table, 'usage_day'] as const),
  ...summaryTableNames.map((table) => [table, 'usage_start'] as const),
];

/** Rows of default partitions, and of partitions that extend beyond the cutoff. */
async function deleteRemainingRows(purge: Purge): Promise<void> {
  const { schema } = purge.tenant;
  for (const [table, column] of dayColumns) {
    // If a whole partition could not be dropped, its rows are not deleted one by one either.
    if (purge.busyTables.has(table)) continue;
    purge.at(table);
    await unlessBusy(purge, table, async (client) => {
      const { rowCount } = await client.query(
        `delete from ${quoteQualified(schema, table)} where ${column} < $1::date`,
        [purge.firstDay],
      );
      count(purge, { summaryRowCount: rowCount ?? 0 });
    });
  }
}

async function forgetSources(purge: Purge): Promise<void> {
  const { deps, tenant, firstDay, signal } = purge;
  const { rows: sources } = await inTenantTransaction(
    deps.pool,
    tenant.schema,
    (client) => client.query<{ source_uuid: string }>(sql.expiredSources, [tenant.schema, firstDay]),
    signal,
  );
  for (const { source_uuid: sourceUuid } of sources) {
    purge.at(sourceUuid);
    await unlessBusy(purge, `source ${sourceUuid}`, async (client) => {
      if (!(await tryLock(client, 'source', sourceUuid))) {
        purge.busy.push(`source ${sourceUuid}`);
        return;
      }
      const values = [sourceUuid, firstDay];
      await client.query(sql.deleteLabels, values);
      await client.query(sql.deleteDays, values);
      await client.query(sql.deleteNodeDays, values);
      const pieces = await client.query(sql.deletePieces, values);
      const manifests = await client.query<{ manifest_count: number }>(sql.deleteManifests, values);
      const periods = await client.query(sql.deleteReportPeriods, values);
      count(purge, {
        pieceCount: pieces.rowCount ?? 0,
        manifestCount: manifests.rows[0]?.manifest_count ?? 0,
        reportPeriodCount: periods.rowCount ?? 0,
      });
    });
  }
}

/** One step in one transaction; if somebody holds what it needs, it is recorded as busy and changes nothing. */
async function unlessBusy(
  purge: Purge,
  what: string,
  work: (client: PoolClient) => Promise<void>,
): Promise<void> {
  const before = purge.counts;
  try {
    await inTenantTransaction(
      purge.deps.pool,
      purge.tenant.schema,
      async (client) => {
        await client.query(`set local lock_timeout = '${lockTimeout}'`);
        await work(client);
      },
      purge.signal,
    );
    purge.committed();
  } catch (error) {
    purge.counts = before;
    if (!isBusy(error)) throw error;
    purge.busy.push(what);
  }
}

/** As after a summary run: tag values are recomputed from the label summaries of all sources. */
async function refreshTagValues(purge: Purge): Promise<void> {
  purge.at('tag values');
  await inTenantTransaction(
    purge.deps.pool,
    purge.tenant.schema,
    async (client) => {
      await awaitLock(client, 'tagValues', purge.tenant.schema);
      await client.query(sql.tagValues);
    },
    purge.signal,
  );
}

async function purgeArchive(purge: Purge, archiveFirstDay: UsageDay): Promise<void> {
  const { deps, tenant, signal } = purge;
  purge.at('files of the lake and daily CSVs');
  const removed = (more: Partial<PurgedCounts>) => {
    count(purge, more);
    purge.committed();
  };
  await purgeLake(deps, tenant.schema, { firstDayKept: purge.firstDay, signal, removed });
  await purgeDailyCsvs(deps, tenant.schema, { firstDayKept: archiveFirstDay, signal, removed });
  purge.at('payloads');
  await purgePayloads(deps, tenant, { firstDayKept: archiveFirstDay, signal, removed });
}
