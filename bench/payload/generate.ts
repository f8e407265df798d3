import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { msPerDay } from '../../domain/time/usage-day.ts';
import { planCluster } from './cluster.ts';
import { Random } from './random.ts';
import { ReportFiles } from './report-files.ts';
import type { ReportFile } from './report-files.ts';
import { generatedKinds, lineItemsOfDay, lineOf, reportHeaders } from './report-text.ts';
import type { GeneratedKind, LineItem } from './report-text.ts';
import { lastDay } from './shapes.ts';
import type { Shape } from './shapes.ts';

/** Raised with every change of what is generated: cached payloads of other versions are made again. */
export const generatorVersion = 1;

/** A payload on disk, with its CSVs as they are in the archive, for the comparison with a plain COPY. */
export interface GeneratedPayload {
  shape: Shape;
  seed: number;
  clusterId: string;
  manifestUuid: string;
  /** file names in the payload's directory */
  archive: string;
  files: (ReportFile & { kind: GeneratedKind })[];
  rowCount: number;
  csvBytes: number;
  /** distinct label texts of pods */
  podLabelSetCount: number;
  /** distinct (day, namespace, node, labels) of pods: rows that a daily GROUP BY gives */
  podGroupCount: number;
}

/** Which payload to make. */
export interface PayloadRequest {
  shape: Shape;
  seed: number;
  /** last day of the payload, `YYYY-MM-DD`; default {@link lastDay} */
  until?: string;
  /** hours of the last day, from midnight on; default: the whole day */
  hours?: number;
}

const hourMs = 3_600_000;
const hoursOfDay = 24;
/** CPU use by hour of the day, percent of the mean. */
const busyness = [
  60, 55, 52, 50, 50, 55, 65, 85, 110, 130, 140, 140, 135, 140, 140, 135, 130, 120, 110, 105, 100, 90, 80, 70,
];

/**
 * Write the CSVs and the archive of a payload into a directory. Memory does not grow with the rows.
 * The same request gives the same CSV bytes.
 */
export async function generatePayload(directory: string, request: PayloadRequest): Promise<GeneratedPayload> {
  const { shape, seed, hours = hoursOfDay } = request;
  await mkdir(directory, { recursive: true });
  const lastStartMs = Date.parse(`${request.until ?? lastDay}T00:00:00Z`);
  // Another day of a cluster is another manifest of the same cluster.
  const clusterId = new Random(seed, 3, shape.nodeCount, shape.podCount).uuid();
  const manifestUuid = new Random(
    seed,
    5,
    shape.nodeCount,
    shape.podCount,
    shape.dayCount,
    lastStartMs / msPerDay,
    ...(hours === hoursOfDay ? [] : [hours]),
  ).uuid();
  const days = Array.from(
    { length: shape.dayCount },
    (_, index) => lastStartMs - (shape.dayCount - 1 - index) * msPerDay,
  );
  const cluster = planCluster(shape, seed);
  let fileCount = 0;
  const nameOf = () => `${manifestUuid}_openshift_usage_report.${fileCount++}.csv`;
  const files: GeneratedPayload['files'] = [];
  const seen: Seen = { labels: new Set(), groups: 0 };
  for (const kind of generatedKinds) {
    const writer = new ReportFiles(directory, reportHeaders[kind], nameOf);
    for (const startMs of days) {
      const dayIndex = startMs / msPerDay;
      const items = lineItemsOfDay(cluster, kind, dayIndex);
      if (kind === 'pod_usage') count(seen, items);
      const random = new Random(seed, 17, dayIndex, generatedKinds.indexOf(kind));
      await writeDay(writer, items, { startMs, hours: startMs === lastStartMs ? hours : hoursOfDay }, random);
    }
    await writer.close();
    files.push(...writer.files.map((file) => ({ ...file, kind })));
  }
  const archive = 'payload.tar.gz';
  const endMs = lastStartMs + hours * hourMs;
  const manifest = manifestOf({ manifestUuid, clusterId, files, startMs: days[0] ?? 0, endMs });
  await writeArchive(directory, archive, files, manifest, endMs);
  return {
    shape,
    seed,
    clusterId,
    manifestUuid,
    archive,
    files,
    rowCount: files.reduce((sum, { rowCount }) => sum + rowCount, 0),
    csvBytes: files.reduce((sum, { byteCount }) => sum + byteCount, 0),
    podLabelSetCount: seen.labels.size,
    podGroupCount: seen.groups,
  };
}

async function writeDay(
  writer: ReportFiles,
  items: readonly LineItem[],
  day: { startMs: number; hours: number },
  random: Random,
): Promise<void> {
  let rowCount = 0;
  for (const [hour, loadPercent] of busyness.slice(0, day.hours).entries()) {
    const prefix = timesOf(day.startMs + hour * hourMs);
    for (const item of items) {
      writer.write(lineOf(item, prefix, loadPercent, random));
      rowCount += 1;
      if (writer.isFull) {
        await writer.flush(rowCount);
        rowCount = 0;
      }
    }
  }
  await writer.flush(rowCount);
}

/** The four times of a row, as the operator, written in Go, prints them. */
function timesOf(startMs: number): string {
  const at = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC,`;
  const start = new Date(startMs);
  const month = (offset: number) => at(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + offset));
  return month(0) + month(1) + at(startMs) + at(startMs + hourMs - 1_000);
}

interface Seen {
  labels: Set<string>;
  groups: number;
}

function count(seen: Seen, items: readonly LineItem[]): void {
  const groups = new Set<string>();
  for (const { head, tail } of items) {
    const labels = tail.slice(tail.lastIndexOf(',') + 1);
    seen.labels.add(labels);
    const [node, namespace] = head.split(',');
    groups.add(`${namespace ?? ''},${node ?? ''},${labels}`);
  }
  seen.groups += groups.size;
}

function manifestOf(
  payload: Pick<GeneratedPayload, 'manifestUuid' | 'clusterId' | 'files'> & {
    startMs: number;
    endMs: number;
  },
): string {
  const { manifestUuid, clusterId, files, startMs, endMs } = payload;
  const manifest = {
    uuid: manifestUuid,
    cluster_id: clusterId,
    version: '4.4.1',
    date: new Date(endMs + 5 * 60_000).toISOString(),
    files: files.map(({ name }) => name),
    start: new Date(startMs).toISOString(),
    end: new Date(endMs - 1_000).toISOString(),
    certified: true,
    daily_reports: true,
    cr_status: { clusterID: clusterId, clusterVersion: 'stable-4.20', upload: { upload: true } },
  };
  return JSON.stringify(manifest, undefined, 1);
}

/** As the operator packs it: the manifest is the last member. */
async function writeArchive(
  directory: string,
  archive: string,
  files: readonly ReportFile[],
  manifest: string,
  modifiedMs: number,
): Promise<void> {
  const target = pack();
  const mtime = new Date(modifiedMs);
  const writing = pipeline(
    target as unknown as Readable,
    createGzip({ level: 1 }),
    createWriteStream(join(directory, archive)),
  );
  const packing = (async () => {
    for (const { name, byteCount } of files) {
      const entry = target.entry({ name, size: byteCount, mtime });
      await pipeline(
        createReadStream(join(directory, name), { highWaterMark: 256 * 1024 }),
        entry as unknown as Writable,
      );
    }
    target.entry({ name: 'manifest.json', mtime }, manifest);
    target.finalize();
  })();
  await Promise.all([writing, packing]);
}
