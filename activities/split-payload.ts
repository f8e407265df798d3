import type { PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import type { Manifest } from '../domain/payload/manifest.ts';
import { maxNamesInHistory } from '../domain/run/run.ts';
import type { AcceptedPayload, SplitSummary } from '../domain/run/run.ts';
import { firstDayKept, rowWindow } from '../domain/time/retention.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import { billingMonthOf, firstDay, monthsOf } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { readInbox } from '../payload/inbox.ts';
import { deleteStagedRows } from '../reports/delete-staged-rows.ts';
import { leftOutCountOf, leftOutSentence } from '../reports/file-remarks.ts';
import { dailyCsvKey, leftOutKey, rejectsKey } from '../platform/object-store/object-keys.ts';
import { addLogContext } from '../platform/observability/logging.ts';
import { recordSplitFile } from '../platform/observability/metrics.ts';
import { readPayloadMembers } from '../payload/archive.ts';
import { splitReportFile } from '../reports/report-splitter.ts';
import type { SplitFileResult } from '../reports/report-splitter.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { withHeartbeat } from '../platform/temporal/heartbeat.ts';
import { ledgerVanished, manifestIdTaken, requireSource } from '../summary/require-source.ts';
import { removeTemporaryOfRun, storeOfRun } from '../payload/run-objects.ts';
import { retentionMonths } from '../retention/retention-months.ts';
import { readArchive } from '../payload/archived-payload.ts';
import { log } from '@temporalio/activity';

export interface SplitPayloadInput {
  inboxId: string;
  payload: AcceptedPayload;
}

const sql = {
  publicManifest: loadSql('intake/register_public_manifest.sql'),
  manifest: loadSql('intake/register_manifest.sql'),
  files: loadSql('intake/register_files.sql'),
  file: loadSql('intake/record_file.sql'),
  reportPeriod: loadSql('intake/register_report_period.sql'),
  outdated: loadSql('intake/outdated_pieces.sql'),
  pieces: loadSql('intake/register_pieces.sql'),
};

/** Number of rejected rows per file that are logged individually. */
const loggedRejects = 20;

/**
 * Split an archived payload by report file and UTC day into daily CSVs, in one streaming pass, and register manifest,
 * files and pieces. A file's pieces are registered in one transaction once the whole file has been read.
 * Rerun: the same keys are written; a piece whose checksum is unchanged keeps its state.
 *
 * @returns counts and months only; the pieces are in the ledger
 * @throws PipelineError `ObjectMissing` (not retried) if the archive is gone
 * @throws PipelineError `SourceVanished` (not retried) if the source is no longer registered
 */
export async function splitPayload(
  deps: ActivityDependencies,
  input: SplitPayloadInput,
): Promise<SplitSummary> {
  return withHeartbeat(async (report, signal) => {
    const { payload } = input;
    const inbox = await readInbox(deps.pool, input.inboxId);
    const { manifest, objectKey } = inbox;
    if (manifest === null || objectKey === null)
      throw new PipelineError(
        'PayloadUnavailable',
        `payload_inbox ${inbox.id} is not archived yet; start the run again`,
      );
    const { manifestId, fileIndexes } = await registerManifest(deps, payload, manifest);
    addLogContext({ manifest_id: manifestId });
    log.info('PostgreSQL pipeline processing started', {
      manifestUuid: payload.manifestUuid,
      operatorVersion: payload.operatorVersion,
      fileCount: payload.fileCount,
    });
    const nowMs = deps.now().getTime();
    const retention = await retentionMonths(deps, payload.schema);
    const store = storeOfRun(deps.objectStore);
    await removeTemporaryOfRun(store);
    const results: SplitFileResult[] = [];
    await readPayloadMembers(await readArchive(deps, inbox, objectKey, signal), {
      signal,
      wanted: (name) => fileIndexes.has(name),
      onFile: async (fileName, content) => {
        const place = {
          schema: payload.schema,
          sourceUuid: payload.sourceUuid,
          manifestId,
          fileIndex: fileIndexes.get(fileName) ?? -1,
        };
        const result = await splitReportFile(content, {
          fileName,
          store,
          keyFor: (kind, day) => dailyCsvKey(place, kind, day),
          rejectsKey: rejectsKey(place, payload.billingMonth),
          leftOutKey: leftOutKey(place, payload.billingMonth),
          metadata: { manifestid: String(manifestId) },
          window: rowWindow(nowMs, retention),
          limits: {
            maxRejectedRows: deps.config.MAX_REJECTED_ROWS,
            maxRejectedRowsPercent: deps.config.MAX_REJECTED_ROWS_PERCENT,
          },
          onReject: (reject) => {
            log.warn('row rejected', { fileName, ...reject });
          },
          loggedRejects,
          onProgress: ({ rowCount, byteCount }) => {
            report({ file: fileName, rows: rowCount, bytes: byteCount });
          },
          signal,
        });
        await registerFile(deps, { payload, manifest, manifestId, requestId: inbox.requestId }, result);
        recordSplitFile({ ...result, leftOutCount: leftOutCountOf(result.leftOutCounts) });
        results.push(result);
      },
    });
    const firstKept = 'months' in retention ? firstDayKept(nowMs, retention.months) : undefined;
    return summarise(manifestId, results, firstKept);
  });
}

async function registerManifest(
  deps: ActivityDependencies,
  payload: AcceptedPayload,
  manifest: Manifest,
): Promise<{ manifestId: number; fileIndexes: ReadonlyMap<string, number> }> {
  return inTenantTransaction(deps.pool, payload.schema, async (client) => {
    await requireSource(client, payload);
    const body = JSON.stringify(manifest);
    const month = billingMonthOf(Date.parse(manifest.start ?? manifest.date));
    await client.query(sql.publicManifest, [payload.sourceUuid, body, `${firstDay(month)}T00:00:00Z`]);
    await client.query(sql.manifest, [payload.sourceUuid, body]);
    const { rows } = await client.query<{ manifest_id: number }>(
      'select manifest_id from ocp_manifest where source_uuid = $1 and manifest_uuid = $2 for update',
      [payload.sourceUuid, manifest.uuid],
    );
    const manifestId = rows[0]?.manifest_id;
    if (manifestId === undefined) throw await manifestIdTaken(client, payload);
    await client.query(sql.files, [manifestId, manifest.files]);
    // From the ledger, not from the list: a manifest that is resent in another order must not mix up objects.
    const files = await client.query<{ file_name: string; file_index: number }>(
      'select file_name, file_index from ocp_file where manifest_id = $1 and file_name = any($2)',
      [manifestId, manifest.files],
    );
    return { manifestId, fileIndexes: new Map(files.rows.map((file) => [file.file_name, file.file_index])) };
  });
}

interface RegisteredManifest {
  payload: AcceptedPayload;
  manifest: Manifest;
  manifestId: number;
  requestId: string;
}

async function registerFile(
  deps: ActivityDependencies,
  { payload, manifest, manifestId, requestId }: RegisteredManifest,
  result: SplitFileResult,
): Promise<void> {
  await inTenantTransaction(deps.pool, payload.schema, async (client) => {
    await requireSource(client, payload);
    const { rows } = await client.query<{ file_id: number }>(sql.file, [
      manifestId,
      result.fileName,
      result.state,
      result.kind,
      result.rowCount,
      result.rejectedRowCount,
      result.expiredRowCount,
      result.rejectsKey ?? null,
      result.message ?? null,
      requestId,
      JSON.stringify(result.leftOutCounts),
      result.leftOutKey ?? null,
      result.warnings,
    ]);
    const fileId = rows[0]?.file_id;
    if (fileId === undefined) throw ledgerVanished(`file ${result.fileName}`, payload.schema);
    if (result.state !== 'failed') await abandonOutdatedPieces(client, fileId, result);
    if (result.kind === null || result.pieces.length === 0) return;
    const periods = await registerReportPeriods(
      client,
      payload,
      monthsOf(result.pieces.map((piece) => piece.usageDay)),
    );
    const pieces = result.pieces.map((piece) => ({
      ...piece,
      reportPeriodId: periods.get(billingMonthOf(piece.usageDay)),
      declaredHours: manifest.hoursPerDay[piece.usageDay] ?? 0,
    }));
    await client.query(sql.pieces, [
      fileId,
      manifestId,
      payload.sourceUuid,
      result.kind,
      result.state === 'failed',
      JSON.stringify(pieces),
    ]);
  });
}

/**
 * The file was resent with different content: days that it no longer contains, or contains as another kind, leave
 * staging.
 */
async function abandonOutdatedPieces(
  client: PoolClient,
  fileId: number,
  result: SplitFileResult,
): Promise<void> {
  const { rows } = await client.query<{ piece_id: number; report_kind: ReportKind; usage_day: UsageDay }>(
    sql.outdated,
    [fileId, result.kind, result.pieces.map((piece) => piece.usageDay)],
  );
  for (const { piece_id, report_kind, usage_day } of rows) {
    await deleteStagedRows(client, report_kind, piece_id, usage_day);
    await client.query(
      `update ocp_piece set state = 'abandoned', staged_checksum = null where piece_id = $1`,
      [piece_id],
    );
  }
}

async function registerReportPeriods(
  client: PoolClient,
  payload: AcceptedPayload,
  months: readonly BillingMonth[],
): Promise<Map<BillingMonth, number>> {
  const ids = new Map<BillingMonth, number>();
  for (const month of months) {
    const { rows } = await client.query<{ id: number }>(sql.reportPeriod, [
      payload.sourceUuid,
      payload.clusterId,
      payload.clusterAlias,
      firstDay(month),
    ]);
    const id = rows[0]?.id;
    if (id !== undefined) ids.set(month, id);
  }
  return ids;
}

function warningsOf(result: SplitFileResult): string[] {
  if (result.message !== undefined) return [result.message];
  const { fileName, rejectedRowCount, leftOutCounts, warnings } = result;
  const leftOut = leftOutSentence(fileName, leftOutCounts);
  return [
    ...(rejectedRowCount === 0 ? [] : [`${fileName}: ${rejectedRowCount} rows rejected`]),
    ...(leftOut === undefined ? [] : [leftOut]),
    ...warnings,
  ];
}

function summarise(
  manifestId: number,
  results: readonly SplitFileResult[],
  firstKept: UsageDay | undefined,
): SplitSummary {
  const total = (count: (result: SplitFileResult) => number) =>
    results.reduce((sum, result) => sum + count(result), 0);
  // Failed files first: the run stops for them, and reports the first warning as the reason.
  const inOrder = [...results].sort((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed'));
  const warnings = inOrder.flatMap(warningsOf);
  const failure = inOrder[0]?.failure;
  for (const warning of warnings) log.warn('file has errors', { warning });
  const expiredCount = total((result) => result.expiredRowCount);
  if (expiredCount > 0) log.info('rows of expired months are left out', { expiredCount, firstKept });
  return {
    manifestId,
    months: monthsOf(results.flatMap((result) => result.pieces.map((piece) => piece.usageDay))),
    fileCount: results.length,
    failedFileCount: results.filter((result) => result.state === 'failed').length,
    ...(failure !== undefined && { failure }),
    rowCount: total((result) => result.rowCount),
    rejectedRowCount: total((result) => result.rejectedRowCount),
    ...(expiredCount > 0 && firstKept !== undefined
      ? { expired: { rowCount: expiredCount, firstKept } }
      : {}),
    leftOutCount: total((result) => leftOutCountOf(result.leftOutCounts)),
    pieceCount: total((result) => (result.state === 'failed' ? 0 : result.pieces.length)),
    warnings: warnings.slice(0, maxNamesInHistory).map((warning) => warning.slice(0, 300)),
  };
}
