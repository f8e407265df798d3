import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { startRun } from '../../../intake/start-run.ts';
import type { StartedRun } from '../../../intake/start-run.ts';
import type { IngestManifestResult } from '../../../domain/run/run.ts';
import { loadConfig } from '../../../platform/config/config.ts';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import type { ManifestDetail, ManifestStatus } from '../../../payload/manifest-status.ts';
import { openObjectStore } from '../../../platform/object-store/index.ts';
import { registerSource } from '../../../platform/tenants/sources.ts';
import { startObservedWorker } from '../../platform/observability/observed-worker.ts';
import type { ObservedWorker } from '../../platform/observability/observed-worker.ts';
import { createArchiveFolder, packMembers } from '../../support/archives.ts';
import { createCommandLine } from '../../support/command-line.ts';
import type { CommandLine } from '../../support/command-line.ts';
import { buildPayload } from '../../support/payload-builder.ts';
import type { ReportRow } from '../../support/payload-builder.ts';

/** What `status MANIFEST --json` prints. */
export type Status = ManifestStatus & ManifestDetail;

/** A payload that went through the whole workflow, and what a user can see of it. */
export interface Sent {
  sourceUuid: string;
  result: IngestManifestResult;
  /** name of the file that was spoilt */
  fileName: string;
  /** CPU core-hours of the source's pods and GiB-months of its volumes in the daily summary */
  summary: { podHours: number; volumeGibMonths: number };
  /** lines of the worker's log that name the spoilt file */
  log: LogLine[];
  /** the rejects object as it is stored; undefined when there is none */
  rejects: Buffer | undefined;
  /** what `status MANIFEST --json` prints */
  status(): Promise<Status>;
  /** what `status MANIFEST` prints */
  statusText(): Promise<string>;
}

/** One line of the worker's log about a row or a file. */
export interface LogLine {
  msg: string;
  fileName?: string;
  line?: number;
  column?: string;
  reason?: string;
  warning?: string;
}

/** A pipeline with a worker in a process of its own, and the built command line. */
export interface BadInput {
  cli: CommandLine;
  worker: ObservedWorker;
  /** Spoil the pod report of a good payload, take it through the workflow. The storage report stays good. */
  send(clusterId: string, spoil: (csv: string) => string | Buffer): Promise<Sent>;
  /** put an archive on its way as it is */
  start(archive: Buffer): Promise<StartedRun>;
  registerCluster(clusterId: string): Promise<string>;
}

/** Pods of the good report: each uses one core for an hour on each of them. */
const podCount = 50;
const hourCount = 4;
/** What the good rows make, computed by hand: 50 pods × 4 hours × 3,600 core-seconds. */
export const allPodHours = 200;
/** 1 GiB for 4 hours, in GiB-months of October's 744 hours. */
export const volumeGibMonths = 4 / 744;

const gib = 2 ** 30;
const hours = Array.from({ length: hourCount }, (_, hour) => `2026-10-01 0${hour}:00`);
const pods: ReportRow[] = hours.flatMap((hour) =>
  Array.from({ length: podCount }, (_, pod) => ({
    hour,
    pod: `pod-${pod}`,
    namespace: 'shop',
    node: 'node-1',
    resource_id: 'i-1',
    pod_usage_cpu_core_seconds: 3600,
    pod_request_cpu_core_seconds: 3600,
    pod_limit_cpu_core_seconds: 3600,
    pod_usage_memory_byte_seconds: 3600 * gib,
    pod_request_memory_byte_seconds: 3600 * gib,
    pod_limit_memory_byte_seconds: 3600 * gib,
    node_capacity_cpu_cores: 16,
    node_capacity_cpu_core_seconds: 16 * 3600,
    node_capacity_memory_bytes: 64 * gib,
    node_capacity_memory_byte_seconds: 64 * gib * 3600,
    pod_labels: 'label_app:web',
  })),
);
const volumes: ReportRow[] = hours.map((hour) => ({
  hour,
  namespace: 'shop',
  pod: 'pod-0',
  persistentvolumeclaim: 'claim',
  persistentvolume: 'volume',
  storageclass: 'fast',
  persistentvolumeclaim_capacity_bytes: 10 * gib,
  persistentvolumeclaim_capacity_byte_seconds: 10 * gib * 3600,
  volume_request_storage_byte_seconds: 10 * gib * 3600,
  persistentvolumeclaim_usage_byte_seconds: gib * 3600,
  persistentvolume_labels: '',
  persistentvolumeclaim_labels: '',
}));

/** Set it up; it ends with the file's tests. */
export async function createBadInput(environment: Record<string, string> = {}): Promise<BadInput> {
  const cli = await createCommandLine();
  const settings = { ...cli.environment, ...environment };
  const worker = await startObservedWorker(settings);
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  atEnd(() => connection.close());
  const client = new Client({ connection, namespace: settings['TEMPORAL_NAMESPACE'] ?? '' });
  const objectStore = openObjectStore({ url: settings['OBJECT_STORE'] ?? '', s3: { endpoint: undefined } });
  const folder = await createArchiveFolder();
  const config = loadConfig(settings);
  const { database } = cli;
  const start = async (archive: Buffer) =>
    startRun(
      { client, pool: database.pool, objectStore, config },
      { orgId: database.orgId, payload: await folder.write(archive) },
    );
  const registerCluster = async (clusterId: string) => {
    const { sourceUuid } = await registerSource(
      { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
      { orgId: database.orgId, clusterId, name: clusterId },
    );
    return sourceUuid;
  };
  return {
    cli,
    worker,
    start,
    registerCluster,
    send: async (clusterId, spoil) => {
      const sourceUuid = await registerCluster(clusterId);
      const { manifest, files } = buildPayload({ pod_usage: pods, storage_usage: volumes }, { clusterId });
      const spoilt = [...files].map(([name, csv]) => ({
        name,
        content: csv.includes('pod_usage_cpu_core_seconds') ? spoil(csv) : csv,
      }));
      const fileName = [...files].find(([, csv]) => csv.includes('pod_usage_cpu_core_seconds'))?.[0] ?? '';
      const archive = await packMembers([
        ...spoilt,
        { name: 'manifest.json', content: JSON.stringify(manifest) },
      ]);
      const { handle } = await start(archive);
      const result = await handle.result();
      const manifestUuid = String(manifest['uuid']);
      return {
        sourceUuid,
        result,
        fileName,
        summary: await readSummary(cli, sourceUuid),
        log: linesAbout(worker, fileName),
        rejects: await readRejects(settings['OBJECT_STORE'] ?? '', cli, fileName),
        status: async () => JSON.parse((await cli.run(['status', manifestUuid, '--json'])).stdout) as Status,
        statusText: async () => (await cli.run(['status', manifestUuid])).stdout,
      };
    },
  };
}

async function readSummary({ database }: CommandLine, sourceUuid: string): Promise<Sent['summary']> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<Sent['summary']>(
      `select
           coalesce(sum(pod_usage_cpu_core_hours), 0)::float8 as "podHours",
           coalesce(sum(persistentvolumeclaim_usage_gigabyte_months), 0)::float8 as "volumeGibMonths"
       from reporting_ocpusagelineitem_daily_summary
       where source_uuid = $1 and namespace not like '% unallocated'`,
      [sourceUuid],
    ),
  );
  return rows[0] ?? { podHours: Number.NaN, volumeGibMonths: Number.NaN };
}

function linesAbout(worker: ObservedWorker, fileName: string): LogLine[] {
  return (worker.lines() as unknown as LogLine[]).filter(
    (line) => line.fileName === fileName || line.warning?.startsWith(`${fileName}:`) === true,
  );
}

/** The object that the ledger names. */
async function readRejects(
  store: string,
  { database }: CommandLine,
  fileName: string,
): Promise<Buffer | undefined> {
  const { rows } = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query<{ rejects_key: string | null }>('select rejects_key from ocp_file where file_name = $1', [
      fileName,
    ]),
  );
  const key = rows[0]?.rejects_key ?? null;
  return key === null ? undefined : readFile(join(fileURLToPath(store), key));
}

/** Change one field of some data rows; rows are numbered from 1, as lines from 2. */
export function withField(
  csv: string,
  column: string,
  change: (value: string, row: number) => string,
): string {
  const [header = '', ...lines] = csv.split('\n');
  const position = header.split(',').indexOf(column);
  const changed = lines.map((line, index) => {
    if (line === '') return line;
    const fields = line.split(',');
    return fields.with(position, change(fields[position] ?? '', index + 1)).join(',');
  });
  return [header, ...changed].join('\n');
}
