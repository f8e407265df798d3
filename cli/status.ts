import type { Argv } from 'yargs';
import { PipelineError } from '../domain/failures.ts';
import { listFailures, listManifests, manifestDetail } from '../platform/manifest-status.ts';
import type { ManifestDetail, ManifestStatus } from '../platform/manifest-status.ts';
import { usageDay } from '../domain/usage-day.ts';
import { listValidationWarnings } from '../platform/validation-warnings.ts';
import type { ValidationWarning } from '../platform/validation-warnings.ts';
import type { Command } from './command.ts';
import { formatNumber, table } from './output.ts';
import { openServices } from './services.ts';
import type { Services } from './services.ts';

interface Options {
  manifest: string | undefined;
  org: string | undefined;
  limit: number;
}

/** Warnings shown of one manifest. */
const mostWarnings = 50;

export const statusCommand: Command<Options> = {
  name: 'status [manifest]',
  summary: 'Recent manifests and refused payloads, or one manifest with its files and days',
  options: (parser): Argv<Options> =>
    parser
      .positional('manifest', { type: 'string', describe: 'manifest uuid, or its beginning' })
      .option('org', { type: 'string', describe: 'only this organisation' })
      .option('limit', { type: 'number', default: 20, describe: 'most rows' })
      .check(({ limit }) => {
        if (!Number.isInteger(limit) || limit < 1)
          throw new Error('--limit: expected a whole number of at least 1');
        return true;
      }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const manifests = await listManifests(services.pool, {
        ...(options.org === undefined ? {} : { orgId: options.org }),
        ...(options.manifest === undefined ? {} : { uuidPrefix: options.manifest }),
        limit: options.limit,
      });
      if (options.manifest === undefined) {
        const failures = await listFailures(services.pool, options.org, options.limit);
        output.result(
          [
            manifestTable(manifests),
            ...(failures.length === 0
              ? []
              : [
                  'Refused or failed payloads:',
                  table(
                    ['time', 'org', 'request', 'type', 'reason'],
                    failures.map((f) => [
                      f.failedAt,
                      f.orgId,
                      f.requestId.slice(0, 12),
                      f.errorType,
                      f.reason.slice(0, 100),
                    ]),
                    '',
                  ),
                ]),
          ].join('\n'),
          { manifests, failures },
        );
        return 0;
      }
      const manifest = only(manifests, options.manifest);
      const detail = await manifestDetail(services.pool, manifest);
      const warnings = await warningsOf(services, manifest, detail);
      output.result(detailText(manifest, detail, warnings), { ...manifest, ...detail, warnings });
      return 0;
    } finally {
      await services.close();
    }
  },
};

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
    limit: mostWarnings,
  });
}

function only(manifests: readonly ManifestStatus[], wanted: string): ManifestStatus {
  const [first, second] = manifests;
  if (first === undefined)
    throw new PipelineError('ConfigInvalid', `No manifest ${wanted}; ocp-pipeline status lists them`);
  if (second !== undefined)
    throw new PipelineError(
      'ConfigInvalid',
      `${wanted} is the beginning of several manifests; give more of the uuid`,
    );
  return first;
}

function manifestTable(manifests: readonly ManifestStatus[]): string {
  return table(
    ['manifest', 'org', 'cluster', 'date', 'files', 'pieces', 'rows', 'rejected', 'state'],
    manifests.map((m) => [
      m.manifestUuid,
      m.orgId,
      m.clusterId,
      m.manifestDate,
      `${m.settledFileCount}/${m.fileCount}`,
      `${m.loadedPieceCount}/${m.pieceCount}`,
      m.rowCount,
      m.rejectedRowCount,
      m.state,
    ]),
    'No manifest has been ingested yet',
  );
}

function detailText(
  manifest: ManifestStatus,
  detail: ManifestDetail,
  warnings: readonly ValidationWarning[],
): string {
  return [
    manifestTable([manifest]),
    table(
      ['file', 'kind', 'state', 'rows', 'rejected', 'remark'],
      detail.files.map((f) => [
        f.fileName,
        f.reportKind ?? '',
        f.state,
        f.rowCount,
        f.rejectedRowCount,
        f.message ?? (f.rejectsKey === null ? '' : `see ${f.rejectsKey}`),
      ]),
      'No files',
    ),
    table(
      ['day', 'kind', 'hours', 'rows', 'state', 'generation', 'processed'],
      detail.pieces.map((p) => [
        p.usageDay,
        p.reportKind,
        p.hours,
        formatNumber(p.rowCount),
        p.state,
        p.generation ?? '',
        p.processedAt ?? '',
      ]),
      'No pieces',
    ),
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
