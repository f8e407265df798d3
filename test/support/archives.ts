import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';

import { payloadPath } from './fixtures.ts';
import { atEnd } from './at-end.ts';

/** A payload in parts: its manifest as sent, and the text of its CSV files by name. */
export interface Payload {
  manifest: Readonly<Record<string, unknown>>;
  files: ReadonlyMap<string, string>;
}

/** Read a fixture payload. */
export async function readPayload(fixture: string): Promise<Payload> {
  const files = new Map<string, string>();
  let manifest: Record<string, unknown> = {};
  const members = createReadStream(payloadPath(fixture)).pipe(createGunzip()).pipe(extract());
  for await (const member of members) {
    const content = await text(member);
    if (member.header.name === 'manifest.json') manifest = JSON.parse(content) as Record<string, unknown>;
    else if (member.header.type === 'file') files.set(member.header.name, content);
  }
  return { manifest, files };
}

/** The same payload with other entries in its manifest. */
export function withManifest(payload: Payload, entries: Record<string, unknown>): Payload {
  return { ...payload, manifest: { ...payload.manifest, ...entries } };
}

/** Another payload of a cluster: a manifest uuid of its own, and what else is given. */
export function anotherManifest(payload: Payload, entries: Record<string, unknown>): Payload {
  return withManifest(payload, { uuid: randomUUID(), ...entries });
}

/**
 * The part of a payload whose `interval_start` lies in [from, until); times as the operator writes them, for example
 * `2026-10-02 00:00`. Manifest uuid and dates are those of a payload that covers just this time.
 */
export function between(payload: Payload, from: string, until: string): Payload {
  const files = mapRows(payload, 'interval_start', (start) =>
    start >= from && start < until ? start : undefined,
  );
  const iso = (time: string) => `${time.replace(' ', 'T')}:00Z`;
  return anotherManifest({ ...payload, files }, { start: iso(from), end: iso(until) });
}

/** The same payload with the numbers of one column multiplied, wherever a file has it. */
export function scaled(payload: Payload, column: string, factor: number): Payload {
  return { ...payload, files: mapRows(payload, column, (value) => String(Number(value) * factor)) };
}

/** Rewrite one column of every file that has it; undefined drops the row. Only for fixtures without quoted fields. */
function mapRows(
  payload: Payload,
  column: string,
  rewrite: (value: string) => string | undefined,
): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, csv] of payload.files) {
    const [header = '', ...lines] = csv.split('\n').filter((line) => line !== '');
    const position = header.split(',').indexOf(column);
    if (position < 0) {
      files.set(name, csv);
      continue;
    }
    const kept = lines.flatMap((line) => {
      const fields = line.split(',');
      const value = rewrite(fields[position] ?? '');
      return value === undefined ? [] : [fields.with(position, value).join(',')];
    });
    files.set(name, [header, ...kept, ''].join('\n'));
  }
  return files;
}

/** One member of an archive; bytes where they are no text. */
export interface Member {
  name: string;
  content: string | Buffer;
}

/** Pack members into a tar.gz, in their order. */
export async function packMembers(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, content } of members) tar.entry({ name }, content);
  tar.finalize();
  return buffer(tar.pipe(createGzip()));
}

/**
 * Pack a payload as the operator does, the manifest last; `only`: the files that this archive of the manifest brings.
 */
export async function packPayload(payload: Payload, only?: readonly string[]): Promise<Buffer> {
  const files = [...payload.files].filter(([name]) => only?.includes(name) ?? true);
  return packMembers([
    ...files.map(([name, content]) => ({ name, content })),
    { name: 'manifest.json', content: JSON.stringify(payload.manifest) },
  ]);
}

/** A directory for archives; it goes with the file's tests. */
export interface ArchiveFolder {
  /** write bytes to a file of their own. @returns its path */
  write(bytes: Buffer): Promise<string>;
  /** pack and write. @returns its path */
  pack(payload: Payload, only?: readonly string[]): Promise<string>;
}

/** Create it. */
export async function createArchiveFolder(): Promise<ArchiveFolder> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-archives-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const write = async (bytes: Buffer): Promise<string> => {
    const path = join(directory, `${randomUUID()}.tar.gz`);
    await writeFile(path, bytes);
    return path;
  };
  return { write, pack: async (payload, only) => write(await packPayload(payload, only)) };
}
