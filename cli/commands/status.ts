import type { Client } from '@temporalio/client';
import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { findPayloads } from '../../payload/inbox.ts';
import { listFailures, listManifests, manifestDetail } from '../../payload/manifest-status.ts';
import type { ManifestDetail, ManifestStatus } from '../../payload/manifest-status.ts';
import { ObjectNotFound } from '../../platform/object-store/index.ts';
import { readRejects } from '../../reports/rejected-rows.ts';
import type { ListedReject } from '../../reports/rejected-rows.ts';
import { configuredTemporal } from '../../platform/temporal/connection.ts';
import { leftOutCountOf } from '../../reports/file-remarks.ts';
import { usageDay, usageDayOf } from '../../domain/time/usage-day.ts';
import { listValidationWarnings } from '../../summary/validation-warnings.ts';
import type { ValidationWarning } from '../../summary/validation-warnings.ts';
import { listCostMonths } from '../../costs/cost-months.ts';
import type { CostMonth } from '../../costs/cost-months.ts';
import { tenantIsBehind } from '../../platform/migrations/migrate.ts';
import { tenantsWithTables } from '../../platform/migrations/tenant-schemas.ts';
import { organisationsInShadow } from '../../platform/tenants/tenant.ts';
import { listComparisons } from '../../engines/comparison.ts';
import type { ComparedMonth } from '../../engines/comparison.ts';
import { comparisonLines } from '../comparison-table.ts';
import { costTable } from '../cost-table.ts';
import type { Command } from '../command.ts';
import { describeFailure } from '../failure.ts';
import { idleShadows } from '../idle-queue.ts';
import type { IdleShadow } from '../idle-queue.ts';
import { leftOutOfFiles, remarkLines } from '../file-remarks.ts';
import type { FileLeftOut } from '../file-remarks.ts';
import { expectWhole } from '../option-values.ts';
import { formatNumber, table } from '../output.ts';
import { pieceTable } from '../piece-table.ts';
import { runPhrase, runStatuses, unfinishedPhrase } from '../run-status.ts';
import type { RunStatus } from '../run-status.ts';
import { openServices } from '../services.ts';
import { stuckMonthLines, stuckMonths } from '../stuck-months.ts';
import type { Services } from '../services.ts';

interface Options {
  manifest: string | undefined;
  org: string | undefined;
  limit: number;
  rejects: number;
}

/** Most that `--limit` and `--rejects` may ask for. */
const maxShown = 1_000_000;
/** Maximum number of warnings shown for one manifest. */
const maxWarnings = 50;
/** Maximum number of characters shown of a rejected row; `--json` has all of it. */
const maxRowCharacters = 120;

export const statusCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .positional('manifest', { type: 'string', describe: 'manifest uuid, or a prefix of it' })
      .option('org', { type: 'string', describe: 'only this organisation' })
      .option('limit', { type: 'number', default: 20, describe: 'maximum number of rows' })
      .option('rejects', {
        type: 'number',
        default: 10,
        describe: 'maximum number of rejected rows, and of values left out, per file',
      })
      .check(({ limit, rejects }) => {
        expectWhole('limit', limit, [1, maxShown]);
        expectWhole('rejects', rejects, [0, maxShown]);
        return true;
      }),
  run: async (options, output) => {
    const services = await openServices(output.say, {
      migrate: 'public',
      temporal: knowsTemporal(),
      ...(options.manifest === undefined ? {} : { objectStore: true }),
    });
    try {
      const manifests = await listManifests(services.pool, {
        ...(options.org === undefined ? {} : { orgId: options.org }),
        ...(options.manifest === undefined ? {} : { uuidPrefix: options.manifest }),
        limit: options.limit,
      });
      if (options.manifest === undefined) {
        await tellUnfinished(services, manifests, output.say);
        const failures = await listFailures(services.pool, options.org, options.limit);
        const costs = await costsOf(services, options);
        const comparisons = await comparisonsOf(services, options);
        const notCompared = await notComparedOf(services, options, output.say);
        const months = await knownToTemporal(services, output.say, {
          what: 'Runs of months are not shown',
          ask: (client) => stuckMonths(client, options),
        });
        output.result(
          [
            manifestTable(manifests),
            ...(failures.length === 0
              ? []
              : [
                  'Refused or failed payloads:',
                  table(
                    ['time', 'org', 'request', 'type', 'since', 'reason'],
                    failures.map((f) => [
                      f.failedAt,
                      f.orgId,
                      f.requestId.slice(0, 12),
                      f.errorType,
                      f.resolution ?? 'open',
                      f.reason.slice(0, 100),
                    ]),
                    '',
                  ),
                ]),
            ...costTable(costs),
            ...comparisonLines(comparisons, notCompared ?? []),
            ...stuckMonthLines(months ?? []),
          ].join('\n'),
          { manifests, failures, costs, comparisons, notCompared, stuckMonths: months },
        );
        return 0;
      }
      const manifest = only(manifests, options.manifest);
      const detail = await manifestDetail(services.pool, manifest);
      const warnings = await warningsOf(services, manifest, detail);
      const rejects = await rejectsOf(services, detail, options.rejects);
      const leftOut = await leftOutOfFiles(services, detail, options.rejects);
      const runs = await runsOf(services, manifest, output.say);
      if (manifest.state === unfinished && runs.length > 0) manifest.state = unfinishedPhrase(runs);
      const found = { ...detail, warnings, rejects, leftOut, runs };
      output.result(detailText(manifest, found), { ...manifest, ...found });
      return 0;
    } finally {
      await services.close();
    }
  },
};

/** What costs of the latest months are based on. */
function costsOf(services: Services, options: Options): Promise<(CostMonth & { orgId: string })[]> {
  const today = usageDayOf(clock(services.config)());
  return latestMonths(services, options, (schema) =>
    listCostMonths(services.pool, schema, { today, limit: options.limit }),
  );
}

/** What comparisons of both engines found, of organisations that are or were in shadow. */
function comparisonsOf(services: Services, options: Options): Promise<(ComparedMonth & { orgId: string })[]> {
  return latestMonths(services, options, (schema) => listComparisons(services.pool, schema, options.limit));
}

/** Organisations in shadow that no worker compares at present; undefined if that is not known. */
async function notComparedOf(
  services: Services,
  { org, limit }: Options,
  say: (line: string) => void,
): Promise<IdleShadow[] | undefined> {
  const inShadow = await organisationsInShadow(services.pool);
  const asked = inShadow.filter((orgId) => org === undefined || orgId === org).slice(0, limit);
  if (asked.length === 0) return [];
  return knownToTemporal(services, say, {
    what: 'Whether organisations in shadow are compared is not shown',
    ask: (client) => idleShadows(client, asked),
  });
}

/** Latest months of the tenants; of no tenant more than `limit`, nor in all. */
async function latestMonths<Month extends { month: string }>(
  { pool }: Services,
  { org, limit }: Options,
  listOf: (schema: string) => Promise<readonly Month[]>,
): Promise<(Month & { orgId: string })[]> {
  const found: (Month & { orgId: string })[] = [];
  for (const { schema, orgId } of await tenantsWithTables(pool)) {
    if ((org !== undefined && orgId !== org) || (await tenantIsBehind(pool, schema))) continue;
    found.push(...(await listOf(schema)).map((month) => ({ ...month, orgId })));
  }
  return found.sort((a, b) => (a.month < b.month ? 1 : a.month > b.month ? -1 : 0)).slice(0, limit);
}

/** The ledger's state of a manifest that no run has finished. */
const unfinished = 'unfinished';

/** For unfinished manifests, report what their runs are doing, or how they ended. */
async function tellUnfinished(
  services: Services,
  manifests: readonly ManifestStatus[],
  say: (line: string) => void,
): Promise<void> {
  for (const manifest of manifests) {
    if (manifest.state !== unfinished) continue;
    const runs = await runsOf(services, manifest, say);
    // If Temporal cannot be reached, nothing is made up.
    if (runs.length > 0) manifest.state = unfinishedPhrase(runs);
    else if (services.temporal === undefined) return;
  }
}

/** What validation found on the days of the manifest. */
async function warningsOf(
  services: Services,
  manifest: ManifestStatus,
  { pieces }: ManifestDetail,
): Promise<ValidationWarning[]> {
  const days = pieces.map((piece) => piece.usageDay).sort();
  const [from, until] = [days[0], days.at(-1)];
  if (from === undefined || until === undefined) return [];
  const { sourceUuid, schema } = manifest;
  return listValidationWarnings(services.pool, schema, {
    sourceUuid,
    from: usageDay(from),
    until: usageDay(until),
    limit: maxWarnings,
  });
}

/** Rejected rows of one file. */
interface FileRejects {
  fileName: string;
  rejectedRowCount: number;
  /** address of the object that lists all of them */
  listedIn: string;
  /** the first ones */
  rows: ListedReject[];
}

async function rejectsOf(
  { objectStore, objectStoreUrl }: Services,
  { files }: ManifestDetail,
  maxCount: number,
): Promise<FileRejects[]> {
  const rejects: FileRejects[] = [];
  for (const { fileName, rejectedRowCount, rejectsKey } of files)
    if (rejectsKey !== null)
      rejects.push({
        fileName,
        rejectedRowCount,
        listedIn: `${objectStoreUrl.replace(/\/$/, '')}/${rejectsKey}`,
        rows: await readRejects(objectStore, rejectsKey, maxCount).catch((error: unknown) => {
          // An old month's list is removed with its data; the ledger is still shown.
          if (error instanceof ObjectNotFound) return [];
          throw error;
        }),
      });
  return rejects;
}

/** With a configured database but no Temporal address, no embedded server is started just to look. */
function knowsTemporal(): boolean {
  return configuredTemporal() !== undefined || loadConfig().DATABASE_URL === undefined;
}

/** The manifest's runs; none if Temporal cannot be reached, which does not hide what the database knows. */
async function runsOf(
  services: Services,
  { manifestUuid, orgId }: ManifestStatus,
  say: (line: string) => void,
): Promise<RunStatus[]> {
  const runs = await knownToTemporal(services, say, {
    what: 'Runs are not shown',
    ask: async (client) => runStatuses(client, await findPayloads(services.pool, manifestUuid, orgId)),
  });
  return runs ?? [];
}

/** What Temporal answers; undefined if it cannot be reached, which is said if an address is known. */
async function knownToTemporal<Answer>(
  services: Services,
  say: (line: string) => void,
  { what, ask }: { what: string; ask: (client: Client) => Promise<Answer> },
): Promise<Answer | undefined> {
  if (services.temporal === undefined) return undefined;
  try {
    return await ask(await services.client());
  } catch (error) {
    say(`${what}: ${describeFailure(error).message}`);
    return undefined;
  }
}

function only(manifests: readonly ManifestStatus[], wanted: string): ManifestStatus {
  const [first, second] = manifests;
  if (first === undefined)
    throw new PipelineError('ConfigInvalid', `No manifest ${wanted}; ocp-pipeline status lists them`);
  if (second !== undefined)
    throw new PipelineError(
      'ConfigInvalid',
      `${wanted} is a prefix of several manifests; give more of the UUID`,
    );
  return first;
}

function manifestTable(manifests: readonly ManifestStatus[]): string {
  return table(
    ['manifest', 'org', 'cluster', 'date', 'files', 'pieces', 'rows', 'rejected', 'left out', 'state'],
    manifests.map((m) => [
      m.manifestUuid,
      m.orgId,
      m.clusterId,
      m.manifestDate,
      `${m.settledFileCount}/${m.fileCount}`,
      `${m.loadedPieceCount}/${m.pieceCount}`,
      m.rowCount,
      m.rejectedRowCount,
      m.leftOutCount,
      m.state,
    ]),
    'No manifest has been ingested yet',
  );
}

function runLines(runs: readonly RunStatus[]): string[] {
  return runs.flatMap((run) => [
    `Run ${run.workflowId}: ${runPhrase(run)}`,
    ...(run.activities.length === 0
      ? []
      : [
          table(
            ['activity', 'attempt', 'state', 'next attempt', 'last failure'],
            run.activities.map((a) => [
              a.activity,
              a.attempt,
              a.state,
              a.nextAttemptAt ?? '',
              a.lastFailure ?? '',
            ]),
            '',
          ),
        ]),
  ]);
}

function rejectLines(rejects: readonly FileRejects[]): string[] {
  return rejects.flatMap(({ fileName, rejectedRowCount, listedIn, rows }) => [
    `Rejected rows of ${fileName}: ${formatNumber(rejectedRowCount)}, all in ${listedIn}`,
    table(
      ['line', 'column', 'reason', 'row'],
      rows.map((r) => [String(r.line), r.column, r.reason, r.row.slice(0, maxRowCharacters)]),
      rejectedRowCount > 0 ? '(not shown)' : '',
    ),
  ]);
}

interface ShownDetail extends ManifestDetail {
  warnings: ValidationWarning[];
  rejects: FileRejects[];
  leftOut: FileLeftOut[];
  runs: RunStatus[];
}

function detailText(manifest: ManifestStatus, detail: ShownDetail): string {
  const { warnings } = detail;
  return [
    manifestTable([manifest]),
    ...runLines(detail.runs),
    table(
      ['file', 'kind', 'state', 'rows', 'rejected', 'expired', 'left out', 'remark'],
      detail.files.map((f) => [
        f.fileName,
        f.reportKind ?? '',
        f.state,
        f.rowCount,
        f.rejectedRowCount,
        f.expiredRowCount,
        leftOutCountOf(f.leftOutCounts),
        f.message ?? (f.rejectsKey === null ? '' : `see ${f.rejectsKey}`),
      ]),
      'No files',
    ),
    pieceTable(detail.pieces),
    ...rejectLines(detail.rejects),
    ...remarkLines(detail.leftOut, detail),
    ...(warnings.length === 0
      ? []
      : [
          'Line items and summaries differ:',
          table(
            ['day', 'check', 'line items', 'summary'],
            warnings.map((w) => [w.usageDay, w.checkName, w.expected, w.found]),
            '',
          ),
        ]),
  ].join('\n');
}
