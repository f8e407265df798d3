// A process that does nothing but send CSV files to COPY over one connection: the floor that loading is measured
// against.
// Reads a request from its first argument and prints one line of JSON.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { cpuMs } from '../process-figures.ts';
import type { PlainCopy, PlainCopyRequest } from './floor.ts';

const request = JSON.parse(process.argv[2] ?? '') as PlainCopyRequest;
const client = new pg.Client({ connectionString: request.url });
await client.connect();
const backend = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
const backendPid = backend.rows[0]?.pid ?? 0;
const backendBefore = (await cpuMs(backendPid)) ?? 0;
const cpuBefore = process.cpuUsage();
const start = performance.now();
for (const { table, path } of request.files)
  await pipeline(
    createReadStream(path, { highWaterMark: 1024 * 1024 }),
    client.query(copyFrom(`copy ${table} from stdin (format csv, header)`)),
  );
const elapsedMs = performance.now() - start;
const cpu = process.cpuUsage(cpuBefore);
const result: PlainCopy = {
  elapsedMs,
  senderCpuMs: (cpu.user + cpu.system) / 1_000,
  backendCpuMs: ((await cpuMs(backendPid)) ?? 0) - backendBefore,
};
await client.end();
process.stdout.write(`${JSON.stringify(result)}\n`);
