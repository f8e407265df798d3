import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { addMonths, billingMonthOf } from '../domain/time/usage-day.ts';
import { packageRoot } from '../platform/config/package-root.ts';

/** The sample holds the first three days of this month. */
const sampleMonth = '2026-10';
const samplePath = join(packageRoot, 'samples', 'nise-small.tar.gz');

/** Cluster of the sample payload. */
export const sampleClusterId = 'my-ocp-cluster-small';

/**
 * Write the sample payload with its dates moved to the month before `now` and a new manifest, so that it is within the
 * retention however old the sample is, and a second demo is an ordinary payload.
 *
 * @returns the manifest's UUID
 */
export async function writeDemoPayload(path: string, now: Date): Promise<string> {
  const month = addMonths(billingMonthOf(now), -1);
  const nextMonth = billingMonthOf(now);
  const uuid = randomUUID();
  const moved = (text: string) =>
    text.replaceAll(`${sampleMonth}-`, `${month}-`).replaceAll('2026-11-01', `${nextMonth}-01`);

  const source = extract();
  const target = pack();
  const reading = pipeline(createReadStream(samplePath), createGunzip(), source as never);
  const writing = pipeline(target as never, createGzip(), createWriteStream(path, { mode: 0o600 }));
  for await (const entry of source) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    if (entry.header.type === 'directory') continue;
    const text = moved(Buffer.concat(chunks).toString('utf8'));
    const { name } = entry.header;
    target.entry({ name }, name === 'manifest.json' ? withIdentity(text, uuid, now) : text);
  }
  target.finalize();
  await Promise.all([reading, writing]);
  return uuid;
}

/** A new manifest each time; with equal hours the later date counts. */
function withIdentity(manifestText: string, uuid: string, now: Date): string {
  const manifest = JSON.parse(manifestText) as Record<string, unknown>;
  return JSON.stringify({ ...manifest, uuid, date: now.toISOString() });
}
