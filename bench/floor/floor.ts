import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../platform/config/package-root.ts';
import { createDatabase, dropDatabase, onDatabase, walPosition } from '../databases.ts';
import type { CachedPayload } from '../payload/cache.ts';
import type { BenchServers } from '../servers.ts';
import { createPlainTables, plainGroupBy, plainTableOf } from './plain-tables.ts';

/** What the sending process gets. */
export interface PlainCopyRequest {
  url: string;
  files: { table: string; path: string }[];
}

/** What it answers. CPU of sender and of the PostgreSQL backend: the larger one is what limits the copy. */
export interface PlainCopy {
  elapsedMs: number;
  senderCpuMs: number;
  backendCpuMs: number;
}

/** The least that loading and aggregating the same bytes can cost on this server. */
export interface FloorRun {
  copyMs: number;
  senderCpuMs: number;
  backendCpuMs: number;
  groupByMs: number;
  groupCount: number;
  /** of COPY and GROUP BY together */
  walBytes: number;
  /** of the plain tables */
  tableBytes: number;
}

const run = promisify(execFile);
const program = join(packageRoot, 'dist', 'bench', 'floor', 'copy-csv.js');
const database = 'bench_floor';

/**
 * Measure the floor in a fresh database: COPY of the payload's CSVs over one connection into logged tables without an
 * index, then the GROUP BY of the pod rows, which gets 64 MB to sort and hash in, so that it need not spill.
 */
export async function measureFloor(
  servers: BenchServers,
  payload: CachedPayload,
  signal: AbortSignal,
): Promise<FloorRun> {
  const url = await createDatabase(servers, database);
  const figures = await onDatabase(url, async (client) => {
    await client.query(createPlainTables());
    await client.query('checkpoint');
    const walBefore = await walPosition(client);
    const request: PlainCopyRequest = {
      url,
      files: payload.files.map(({ kind, name }) => ({
        table: plainTableOf(kind),
        path: join(payload.directory, name),
      })),
    };
    const { stdout } = await run(process.execPath, [program, JSON.stringify(request)], { signal });
    const { elapsedMs, senderCpuMs, backendCpuMs } = JSON.parse(stdout) as PlainCopy;
    await client.query(`set work_mem = '64MB'`);
    const start = performance.now();
    const { rowCount } = await client.query(plainGroupBy);
    const groupByMs = performance.now() - start;
    const walBytes = (await walPosition(client)) - walBefore;
    const size = await client.query<{ bytes: string }>(
      `select sum(pg_total_relation_size(oid))::text as bytes from pg_class where relname like 'plain\\_%' and relkind = 'r'`,
    );
    return {
      copyMs: elapsedMs,
      senderCpuMs,
      backendCpuMs,
      groupByMs,
      groupCount: rowCount ?? 0,
      walBytes,
      tableBytes: Number(size.rows[0]?.bytes),
    };
  });
  await dropDatabase(servers, database);
  return figures;
}
