import { Context } from '@temporalio/activity';
import type { HeartbeatDetails } from '../../platform/temporal/heartbeat.ts';
import type { ActivityDependencies } from '../../platform/runtime/dependencies.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import type { Attempt } from '../../summary/month-step.ts';
import { TrinoError } from './trino-error.ts';
import type { QueryOptions } from './client.ts';
import type { Lake } from './lake.ts';
import type { VisibleRows } from './lake-tables.ts';
import type { LivePiece } from './live-lines.ts';
import type { LakeFile } from './live-pieces.ts';
import { queryRelations } from './query-relations.ts';
import type { Waiting } from './query-relations.ts';

/** Live pieces of days of a source and month. */
interface PiecesOfMonth {
  schema: string;
  sourceUuid: string;
  month: BillingMonth;
  pieces: readonly LivePiece[];
  /** of the pieces */
  files: readonly LakeFile[];
}

/** An attempt whose worker was killed may have left a query, which would take memory from ours. */
export async function endPredecessor({ client }: Lake): Promise<void> {
  const details = Context.current().info.heartbeatDetails as HeartbeatDetails | null | undefined;
  if (details?.queryId !== undefined) await client.cancel(details.queryId).catch(() => undefined);
}

/** What to do about the errors of settings that are wrong. Doctor, which tries them, has sentences of its own. */
const remedies: Readonly<Record<string, string>> = {
  CATALOG_NOT_FOUND: 'create it in etc/catalog of every server of Trino, or set TRINO_CATALOG',
  PERMISSION_DENIED: 'let the user that TRINO_USER names do that, in Trino and in the catalog',
};
const otherRemedy = 'ocp-pipeline doctor tries the settings of Trino, and says what is wrong';

/**
 * Make the files of some pieces visible to Trino, and put the relations that they add up to into the waiting tables.
 *
 * @throws TrinoError as {@link queryRelations}; one that is not retried says what to do
 */
export async function queryWaiting(...args: Parameters<typeof queryAll>): Promise<void> {
  try {
    await queryAll(...args);
  } catch (error) {
    if (!(error instanceof TrinoError) || error.retryable || error.remedy !== undefined) throw error;
    const { message, errorName, retryable } = error;
    throw new TrinoError(message, { errorName, retryable, remedy: remedies[errorName] ?? otherRemedy });
  }
}

async function queryAll(
  { deps, lake, attempt }: { deps: ActivityDependencies; lake: Lake; attempt: Attempt },
  { schema, sourceUuid, month, pieces, files }: PiecesOfMonth,
  waiting: Waiting,
): Promise<void> {
  const { signal, report } = attempt;
  const options: QueryOptions = {
    signal,
    tenant: lake.schemaOf(schema),
    session: { query_max_run_time: `${deps.config.TRINO_QUERY_TIMEOUT}ms` },
    onQueryId: (queryId) => {
      report({ queryId });
    },
  };
  const visible = new Map<ReportKind, VisibleRows>();
  for (const kind of new Set(pieces.map((piece) => piece.kind))) {
    const own = new Set(pieces.flatMap((piece) => (piece.kind === kind ? [piece.pieceId] : [])));
    const ownFiles = files.filter(({ pieceId }) => own.has(pieceId));
    await lake.tables.ensureTable(schema, kind, options);
    visible.set(
      kind,
      await lake.tables.ensurePartition({ schema, kind, sourceUuid, month }, ownFiles, options),
    );
  }
  await queryRelations(
    { client: lake.client, pool: deps.pool },
    { schema, pieces, visible },
    waiting,
    options,
  );
}
