import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, constants, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import type { Pool } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { columnsOf } from './columns.ts';
import { csvSink } from './csv-file.ts';
import type { LineSink } from './csv-file.ts';
import { exportMonth } from './export-month.ts';
import type { Exported, ExportRequest } from './export-month.ts';
import { generator, metadataOf, schemaOf } from './metadata.ts';
import type { Artifact } from './metadata.ts';

/** Shown while an export runs. */
export type Progress = Parameters<typeof exportMonth>[4];

/** An export, and what is said of its file. */
export interface ExportedFile extends Exported {
  artifact: Artifact;
}

const formOfName = /\.(csv|parquet)$/i;

/**
 * What a file of this name holds.
 * @throws PipelineError `UsageError` for another name
 */
export function formatOf(path: string): 'csv' | 'parquet' {
  const [, extension] = formOfName.exec(path) ?? [];
  if (extension === undefined)
    throw new PipelineError(
      'UsageError',
      `Output ${path}: expected a name that ends in .csv or .parquet, or - for CSV on standard output`,
    );
  return extension.toLowerCase() as 'csv' | 'parquet';
}

/**
 * Write a month to a file, and what is known of it to `FILE.meta.json`. The file appears whole, with everything
 * checked, or not at all; one that was there is replaced.
 *
 * @throws PipelineError `UsageError` if the folder cannot be written, or a name is that of one; `OutputFailed` for what
 * the file system refuses later; as {@link exportMonth}
 */
export async function exportToFile(
  pool: Pool,
  schema: string,
  request: ExportRequest,
  path: string,
  progress: Progress,
  signal?: AbortSignal,
): Promise<ExportedFile> {
  const format = formatOf(path);
  const metadataPath = `${path}.meta.json`;
  await requireFolder(path);
  for (const name of [path, metadataPath]) await requireNoFolder(path, name);
  const unfinished = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  const unfinishedMetadata = `${unfinished}.meta.json`;
  const asTold = sayingWhere(path);
  try {
    const { sink, close } = await asTold(() =>
      (format === 'csv' ? csvFile : parquetFile)(unfinished, request),
    );
    const toldSink: LineSink = {
      write: (rows) => asTold(() => sink.write(rows)),
      end: () => asTold(() => sink.end()),
    };
    const exported = await exportMonth(pool, schema, request, toldSink, progress, signal).finally(() =>
      asTold(close),
    );
    const artifact: Artifact = {
      FileName: basename(path),
      Sha256: await asTold(() => sha256Of(unfinished)),
      Rows: exported.rowCount,
      Totals: exported.totals.list(),
    };
    const metadata = metadataOf({
      version: request.version,
      orgId: request.orgId,
      sectors: exported.month.sectors,
      artifact,
    });
    await asTold(async () => {
      await writeFile(unfinishedMetadata, `${JSON.stringify(metadata, null, 2)}\n`);
      await toDisk(unfinished);
      await toDisk(unfinishedMetadata);
      await replaceBoth([unfinished, path], [unfinishedMetadata, metadataPath]);
    });
    return { ...exported, artifact };
  } catch (error) {
    await rm(unfinished, { force: true });
    await rm(unfinishedMetadata, { force: true });
    throw error;
  }
}

/** Write a month as CSV to a stream; what has gone out is not taken back when a check fails at the end. */
export async function exportToStream(
  pool: Pool,
  schema: string,
  request: ExportRequest,
  stream: Writable,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Exported> {
  return exportMonth(pool, schema, request, csvSink(stream, columnsOf(request.version)), progress, signal);
}

/** Before anything is read for it. */
async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const problem = await access(folder, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
  if (problem !== undefined)
    throw new PipelineError(
      'UsageError',
      `Output ${path}: expected a folder ${folder} that can be written, found: ${problem}`,
    );
}

async function requireNoFolder(path: string, name: string): Promise<void> {
  const isFolder = await stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return;
  const what = name === path ? 'a file' : `${basename(name)} to be a file`;
  throw new PipelineError('UsageError', `Output ${path}: expected ${what}, found a folder`);
}

/**
 * Put a file and its metadata in the place of those that are there. The old metadata go first: whenever this is
 * interrupted, a file may be without metadata, but is never beside those of another.
 */
async function replaceBoth(
  [file, path]: readonly [string, string],
  [metadata, metadataPath]: readonly [string, string],
): Promise<void> {
  const aside = `${file}.old`;
  const wasThere = await rename(metadataPath, aside).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(file, path);
  } catch (error) {
    if (wasThere) await rename(aside, metadataPath);
    throw error;
  }
  await rename(metadata, metadataPath);
  await rm(aside, { force: true });
}

/** Errors of the file system say which output they mean, and what to do; others pass as they are. */
function sayingWhere(path: string): <T>(work: () => Promise<T>) => Promise<T> {
  return async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error) || !('syscall' in error)) throw error;
      // Without the name of the unfinished file, which says nothing to anybody.
      const [reason = ''] = error.message.split(',');
      throw new PipelineError(
        'OutputFailed',
        `Output ${path}: cannot be written: ${reason}; make room in ${dirname(path)} and let this user create files ` +
          'there, or name another folder',
        { cause: error },
      );
    }
  };
}

interface OpenFile {
  sink: LineSink;
  close: () => Promise<void>;
}

async function csvFile(path: string, { version }: ExportRequest): Promise<OpenFile> {
  const stream = createWriteStream(path);
  const ended = finished(stream);
  // Awaited when the file is closed; until then a write reports the same error.
  ended.catch(() => undefined);
  return Promise.resolve({
    sink: csvSink(stream, columnsOf(version)),
    close: async () => {
      stream.end();
      await ended;
    },
  });
}

async function parquetFile(path: string, { version }: ExportRequest): Promise<OpenFile> {
  // The library is loaded for this format alone.
  const { parquetSink } = await import('./parquet-file.ts');
  const { SchemaId, DataGeneratorVersion } = schemaOf(version);
  return parquetSink(path, columnsOf(version), {
    createdBy: `${generator} ${DataGeneratorVersion}`,
    metadata: { 'focus.schema_id': SchemaId, 'focus.version': version },
  });
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function toDisk(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
