import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import type { SweptTenant, Tenant } from '../domain/run/cleanup.ts';
import { stagingCutoff } from '../domain/run/cleanup.ts';
import { PipelineError } from '../domain/failures/failures.ts';
import { kindOfStagingTable, stagingTables } from '../domain/reports/report-kind.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import { maxNamesInHistory } from '../domain/run/run.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { cleanUpTime } from '../retention/clean-up-time.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { dropPartition, expiredPartitions } from '../retention/drop-partition.ts';
import type { DropOutcome, ExpiredPartition } from '../retention/drop-partition.ts';
import { sweepOldPieces } from '../retention/sweep-pieces.ts';
import { sweepWaiting } from '../retention/sweep-waiting.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';

export interface SweepTenantInput extends Tenant {
  /** the configured number of days if absent */
  retentionDays?: number;
  nowIso?: string;
}

const sql = {
  pinningPieces: loadSql('retention/pinning_pieces.sql'),
  lockPieces: loadSql('retention/lock_pieces.sql'),
  markSwept: loadSql('retention/mark_swept.sql'),
  unusedLabelSets: loadSql('retention/unused_label_sets.sql'),
};

/** Label sets checked by one statement, which reads the staging tables once. */
const labelSetBatch = 50_000;

/**
 * Drop what staging of one tenant no longer needs: partitions whose whole range is older than the retention and whose
 * live pieces have been summarised, then rows of pieces that are as old within later months, then label sets that are
 * no longer referenced. One transaction per partition and per batch of pieces.
 * Nothing is lost: daily CSVs stay in the object store, and a swept piece is reloaded when it is needed.
 * Rerun, even concurrently: what is already gone is skipped.
 *
 * @throws PipelineError `ConfigInvalid` (not retried) if the retention or the time in the input is invalid
 */
export async function sweepTenant(deps: ActivityDependencies, input: SweepTenantInput): Promise<SweptTenant> {
  const retentionDays = input.retentionDays ?? deps.config.STAGING_RETENTION_DAYS;
  if (!Number.isInteger(retentionDays) || retentionDays < 1)
    throw new PipelineError(
      'ConfigInvalid',
      `retentionDays: expected a whole number of days, at least 1, found ${retentionDays}`,
    );
  const cutoff = stagingCutoff(cleanUpTime(deps, input.nowIso), retentionDays);
  return withHeartbeat(async (report, signal) => {
    const partitions = await expiredPartitions(deps.pool, input.schema, stagingTables, cutoff);
    const names = new Map<DropOutcome, string[]>();
    for (const partition of partitions.filter(({ aligned }) => aligned)) {
      signal.throwIfAborted();
      report({ file: partition.name });
      const outcome = await sweepPartition(deps, input.schema, partition, retentionDays, signal);
      names.set(outcome, [...(names.get(outcome) ?? []), partition.name]);
    }
    const unaligned = partitions.filter(({ aligned }) => !aligned).map(({ name }) => name);
    if (unaligned.length > 0)
      log.warn('staging partitions do not begin and end at midnight UTC and are left alone', { unaligned });
    const sweptPieceCount = await sweepOldPieces(deps.pool, input.schema, cutoff, signal);
    await sweepWaiting(deps.pool, input.schema, signal);
    const labelSetCount = await removeUnusedLabelSets(deps, input.schema, signal);
    const named = (outcome: DropOutcome) => names.get(outcome) ?? [];
    return {
      droppedCount: named('dropped').length,
      dropped: named('dropped').slice(0, maxNamesInHistory),
      busyCount: named('busy').length,
      busy: named('busy').slice(0, maxNamesInHistory),
      pinnedCount: named('kept').length,
      pinned: named('kept').slice(0, maxNamesInHistory),
      unalignedCount: unaligned.length,
      sweptPieceCount,
      labelSetCount,
    };
  });
}

async function sweepPartition(
  deps: ActivityDependencies,
  schema: string,
  partition: ExpiredPartition,
  retentionDays: number,
  signal: AbortSignal,
): Promise<DropOutcome> {
  const kind = kindOfStagingTable(partition.parent);
  if (kind === undefined) throw new Error(`${partition.parent} is not a staging table`);
  const isPinned = async (client: PoolClient) =>
    (await countPins(client, kind, partition, retentionDays)) > 0;
  // First without locks: a partition that stays for weeks must not block its readers every night.
  if (await inTenantTransaction(deps.pool, schema, isPinned, signal)) return 'kept';
  return dropPartition(
    deps.pool,
    schema,
    partition,
    async (client) => {
      const range = [kind, partition.from_day, partition.until_day];
      // A load locks its ledger row before it touches the table. Waiting for the row here could deadlock.
      await client.query(sql.lockPieces, range);
      if (await isPinned(client)) return false;
      await client.query(sql.markSwept, range);
      return true;
    },
    signal,
  );
}

async function countPins(
  client: PoolClient,
  kind: ReportKind,
  partition: ExpiredPartition,
  retentionDays: number,
): Promise<number> {
  const { rows } = await client.query<{ pin_count: number }>(sql.pinningPieces, [
    kind,
    partition.from_day,
    partition.until_day,
    retentionDays,
  ]);
  return rows[0]?.pin_count ?? 0;
}

async function removeUnusedLabelSets(
  deps: ActivityDependencies,
  schema: string,
  signal: AbortSignal,
): Promise<number> {
  let removedCount = 0;
  for (let lastId: number | null = 0; lastId !== null;) {
    const after: number = lastId;
    const { rows } = await inTenantTransaction(
      deps.pool,
      schema,
      (client) =>
        client.query<{ looked_at_count: number; removed_count: number; last_id: number | null }>(
          sql.unusedLabelSets,
          [after, labelSetBatch],
        ),
      signal,
    );
    const batch = rows[0];
    removedCount += batch?.removed_count ?? 0;
    lastId = batch?.looked_at_count === labelSetBatch ? batch.last_id : null;
  }
  return removedCount;
}
