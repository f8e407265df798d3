import type { Argv } from 'yargs';
import { PipelineError } from '../domain/failures.ts';
import { listFailures, listManifests, manifestDetail } from '../platform/manifest-status.ts';
import type { ManifestDetail, ManifestStatus } from '../platform/manifest-status.ts';
import type { Command } from './command.ts';
import { formatNumber, table } from './output.ts';
import { openServices } from './services.ts';

interface Options {
  manifest: string | undefined;
  org: string | undefined;
  limit: number;
}

export const statusCommand: Command<Options> = {
  name: 'status [manifest]',
  summary: 'Recent manifests and refused payloads, or one manifest with its files and days',
  options: (parser): Argv<Options> =>
    parser
      .positional('manifest', { type: 'string', describe: 'manifest uuid, or its beginning' })
      .option('org', { type: 'string', describe: 'only this organisation' })
      .option('limit', { type: 'number', default: 20, describe: 'most rows' }),
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
      output.result(detailText(manifest, detail), { ...manifest, ...detail });
      return 0;
    } finally {
      await services.close();
    }
  },
};

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

function detailText(manifest: ManifestStatus, detail: ManifestDetail): string {
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
  ].join('\n');
}
