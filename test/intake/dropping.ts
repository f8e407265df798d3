import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from '../support/at-end.ts';
import { packPayload } from '../support/archives.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { describeFailure } from '../../cli/failure.ts';
import type { WatchEvent } from '../../intake/watch/events.ts';
import type { WatchDeps } from '../../intake/watch/station.ts';

/** A payload with one pod that uses 1 core for some hours of 1 October 2026. @param badRows lines that are no rows */
export function podPayload(clusterId: string, hours: number, badRows = 0): Promise<Buffer> {
  const pod_usage = Array.from({ length: hours }, (_, hour) => ({
    hour: `2026-10-01 ${String(hour).padStart(2, '0')}:00`,
    namespace: 'shop',
    pod: 'web',
    node: 'node-1',
    pod_usage_cpu_core_seconds: 3_600,
    node_capacity_cpu_cores: 4,
    node_capacity_cpu_core_seconds: 14_400,
  }));
  const { manifest, files } = buildPayload({ pod_usage }, { clusterId });
  const bad = 'not,a,row\n'.repeat(badRows);
  return packPayload({ manifest, files: new Map([...files].map(([name, text]) => [name, text + bad])) });
}

/** A folder to drop files into; it goes with the tests. */
export async function dropFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ocp-drop-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Names of the files below a folder, hidden ones too. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** A note beside a file. */
export function note(folder: string, path: string): Promise<string> {
  return readFile(join(folder, `${path}.txt`), 'utf8');
}

/** Folders of organisations. */
export async function orgFolder(root: string, orgId: string): Promise<string> {
  await mkdir(join(root, orgId));
  return join(root, orgId);
}

/** What a watcher of a test works with, and what it has said and counted. */
export interface Watching {
  deps: WatchDeps;
  events: WatchEvent[];
  received: string[];
}

/** Create it on the servers of a test pipeline. */
export function watchingOf(pipeline: TestPipeline, changes: Partial<WatchDeps> = {}): Watching {
  const { client, database, objectStore, config } = pipeline;
  const events: WatchEvent[] = [];
  const received: string[] = [];
  const deps: WatchDeps = {
    client,
    pool: database.pool,
    objectStore,
    config,
    explain: describeFailure,
    say: (event) => void events.push(event),
    received: (way, outcome) => void received.push(`${way} ${outcome}`),
    ...changes,
  };
  return { deps, events, received };
}

/** Core-hours of a cluster in the daily summary, without unallocated ones. */
export async function coreHours(pipeline: TestPipeline, clusterId: string): Promise<number> {
  const { schema, pool } = pipeline.database;
  const { rows } = await pool.query<{ hours: number | null }>(
    `select sum(pod_usage_cpu_core_hours)::float8 as hours
     from ${schema}.reporting_ocpusagelineitem_daily_summary
     where cluster_id = $1 and namespace = 'shop'`,
    [clusterId],
  );
  return rows[0]?.hours ?? 0;
}
