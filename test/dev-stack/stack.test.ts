import { execFileSync } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { identifyProcess } from '../../dev-stack/process-identity.ts';
import { openEmbeddedStack } from '../../dev-stack/stack.ts';
import type { EmbeddedStack } from '../../dev-stack/stack.ts';
import { readStackRecord, writeStackRecord } from '../../dev-stack/stack-record.ts';
import { findTemporalBinary } from '../../dev-stack/temporal-binary.ts';
import { compileStackProgram, openElsewhere } from './stack-process.ts';
import type { StackProcess } from './stack-process.ts';

const all = { postgres: true, temporal: true, objectStore: true };
const onlyPostgres = { postgres: true, temporal: false, objectStore: false };

let scratch: string;
let program: string;
let binary: string;
let dataDirectory: string;
let said: string[];
let opened: EmbeddedStack[];
let processes: StackProcess[];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocp-pipeline-stack-'));
  // The server may run as user postgres, which must be able to pass through.
  await chmod(scratch, 0o755);
  program = await compileStackProgram(join(scratch, 'program'));
  binary = await findTemporalBinary({ say: console.error, environment: process.env });
}, 900_000);

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

beforeEach(async () => {
  dataDirectory = join(await mkdtemp(join(scratch, 'data-')), 'stack');
  await chmod(dirname(dataDirectory), 0o755);
  said = [];
  opened = [];
  processes = [];
});

afterEach(async () => {
  for (const stack of opened) {
    await stack.stop();
  }
  for (const elsewhere of processes) {
    await elsewhere.kill();
  }
  // Whatever a failed test left without an owner is taken over and stopped here.
  const record = await readStackRecord(dataDirectory);
  if (record.postgres !== undefined || record.temporal !== undefined) {
    await (await openEmbeddedStack({ dataDirectory, needs: all, say: () => undefined })).stop();
  }
});

async function open(needs = all): Promise<EmbeddedStack> {
  const stack = await openEmbeddedStack({ dataDirectory, needs, say: (line) => said.push(line) });
  opened.push(stack);
  return stack;
}

async function openInAnotherProcess(needs = all): Promise<StackProcess> {
  const elsewhere = await openElsewhere(program, { dataDirectory, needs, environment: process.env });
  processes.push(elsewhere);
  return elsewhere;
}

async function query(url: string | undefined, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function searchAttributes(address: string | undefined): Promise<Record<string, unknown>> {
  const connection = await Connection.connect({ address: address ?? '', connectTimeout: '1m' });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    return customAttributes;
  } finally {
    await connection.close();
  }
}

async function serverPids(): Promise<number[]> {
  const { postgres, temporal } = await readStackRecord(dataDirectory);
  return [postgres?.server.pid, temporal?.server.pid].filter((pid) => pid !== undefined);
}

async function occupy(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    // Taken by somebody else already is just as good for this purpose.
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

test('a stack starts, stops with its owner and finds its data again at the next start', async () => {
  const first = await open();
  expect(first.owned).toBe(true);
  await query(first.databaseUrl, 'create table kept (n int)');
  await query(first.databaseUrl, 'insert into kept values (42)');
  expect(Object.keys(await searchAttributes(first.temporalAddress))).toEqual(
    expect.arrayContaining(['OrgId', 'ClusterId', 'BillingMonth', 'PipelineState', 'ManifestDate']),
  );
  expect((await fetch(first.temporalUiUrl ?? '')).status).toBe(200);
  expect((await stat(new URL(first.objectStoreUrl ?? ''))).isDirectory()).toBe(true);
  const pids = await serverPids();
  expect(pids).toHaveLength(2);

  await first.stop();

  expect(await Promise.all(pids.map(identifyProcess))).toEqual([undefined, undefined]);
  expect(await readStackRecord(dataDirectory)).toEqual({});
  const second = await open();
  expect(await query(second.databaseUrl, 'select n from kept')).toEqual([{ n: 42 }]);
  expect(Object.keys(await searchAttributes(second.temporalAddress))).toContain('ManifestDate');
});

test('the password is random and its file is readable for its owner only', async () => {
  const stack = await open(onlyPostgres);
  const file = join(dataDirectory, 'postgres-password');
  const password = (await readFile(file, 'utf8')).trim();
  expect(password).toMatch(/^[0-9a-f]{48}$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(new URL(stack.databaseUrl ?? '').password).toBe(password);
  const wrong = (stack.databaseUrl ?? '').replace(password, 'wrong');
  await expect(query(wrong, 'select 1')).rejects.toThrow('password authentication failed');
  expect(await query(stack.databaseUrl, "select current_setting('server_encoding') as encoding")).toEqual([
    { encoding: 'UTF8' },
  ]);
});

test('a second process attaches to the stack and does not stop it', async () => {
  const owner = await open();
  const pids = await serverPids();
  const guest = await openInAnotherProcess();
  expect(guest.opened.owned).toBe(false);
  expect(guest.opened.databaseUrl).toBe(owner.databaseUrl);
  expect(guest.opened.temporalAddress).toBe(owner.temporalAddress);
  expect(guest.said).toContain(`using the PostgreSQL of process ${process.pid}`);

  expect(await guest.stop()).toBe(0);

  expect(await query(owner.databaseUrl, 'select 1 as n')).toEqual([{ n: 1 }]);
  expect(await serverPids()).toEqual(pids);
  expect(await searchAttributes(owner.temporalAddress)).toHaveProperty('OrgId');
});

test('a process that needs a part the living stack lacks starts and stops just that part', async () => {
  const owner = await open(onlyPostgres);
  expect(owner.temporalAddress).toBeUndefined();
  expect(owner.objectStoreUrl).toBeUndefined();
  const other = await openInAnotherProcess();
  expect(other.opened.owned).toBe(true);
  expect(other.opened.databaseUrl).toBe(owner.databaseUrl);
  const [postgresPid, temporalPid] = await serverPids();

  await other.stop();

  expect(await identifyProcess(temporalPid ?? 0)).toBeUndefined();
  expect(await identifyProcess(postgresPid ?? 0)).toBeDefined();
});

test('servers of a process killed with SIGKILL are taken over with their committed rows', async () => {
  const owner = await openInAnotherProcess();
  await query(owner.opened.databaseUrl, 'create table kept (n int)');
  await query(owner.opened.databaseUrl, 'insert into kept values (7)');
  const pids = await serverPids();
  await owner.kill();
  expect((await Promise.all(pids.map(identifyProcess))).every((found) => found !== undefined)).toBe(true);

  const next = await open();

  expect(next.owned).toBe(true);
  expect(await serverPids()).toEqual(pids);
  expect(await query(next.databaseUrl, 'select n from kept')).toEqual([{ n: 7 }]);
  expect(await searchAttributes(next.temporalAddress)).toHaveProperty('OrgId');
  await next.stop();
  expect(await Promise.all(pids.map(identifyProcess))).toEqual([undefined, undefined]);
});

test('servers killed together with their owner start again with their committed rows', async () => {
  const owner = await openInAnotherProcess();
  await query(owner.opened.databaseUrl, 'create table kept (n int)');
  await query(owner.opened.databaseUrl, 'insert into kept values (8)');
  const pids = await serverPids();
  await owner.kill();
  for (const pid of pids) {
    process.kill(pid, 'SIGKILL');
  }

  const next = await open();

  expect(next.owned).toBe(true);
  expect(await query(next.databaseUrl, 'select n from kept')).toEqual([{ n: 8 }]);
  expect(await searchAttributes(next.temporalAddress)).toHaveProperty('OrgId');
});

test('an orphan that does not answer is stopped and replaced', async () => {
  const owner = await openInAnotherProcess({ postgres: false, temporal: true, objectStore: false });
  const [stopped] = await serverPids();
  await owner.kill();
  process.kill(stopped ?? 0, 'SIGSTOP');

  const next = await open({ postgres: false, temporal: true, objectStore: false });

  const [replacement] = await serverPids();
  expect(replacement).not.toBe(stopped);
  expect(await identifyProcess(stopped ?? 0)).toBeUndefined();
  expect(await searchAttributes(next.temporalAddress)).toHaveProperty('OrgId');
});

test('a recorded pid that now belongs to another program is neither used nor stopped', async () => {
  await (await open({ postgres: false, temporal: false, objectStore: true })).stop();
  const self = await identifyProcess(process.pid);
  const bystander = self ?? { pid: 0, startTime: '' };
  const ended = { pid: bystander.pid, startTime: 'long ago' };
  await writeStackRecord(dataDirectory, {
    temporal: { owner: ended, server: { ...bystander, port: 7233, uiPort: 8233, marker: 'nobody' } },
  });

  const stack = await open({ postgres: false, temporal: true, objectStore: false });

  expect(await serverPids()).not.toContain(process.pid);
  expect(await searchAttributes(stack.temporalAddress)).toHaveProperty('OrgId');
});

test('other ports are used when the usual ones are taken', async () => {
  const occupied = await Promise.all([54320, 7233, 8233].map(occupy));
  try {
    const stack = await open();
    const { postgres, temporal } = await readStackRecord(dataDirectory);
    const ports = [postgres?.server.port, temporal?.server.port, temporal?.server.uiPort];
    expect(new Set([...ports, 54320, 7233, 8233]).size).toBe(6);
    expect(stack.databaseUrl).toContain(`@127.0.0.1:${postgres?.server.port ?? ''}/`);
    expect(await query(stack.databaseUrl, 'select 1 as n')).toEqual([{ n: 1 }]);
    expect(await searchAttributes(stack.temporalAddress)).toHaveProperty('OrgId');
  } finally {
    occupied.forEach((server) => server?.close());
  }
});

test('a second open in one process attaches, and two processes opening at once share one stack', async () => {
  const [left, right] = await Promise.all([
    openInAnotherProcess(onlyPostgres),
    openInAnotherProcess(onlyPostgres),
  ]);
  expect([left.opened.owned, right.opened.owned].sort()).toEqual([false, true]);
  expect(left.opened.databaseUrl).toBe(right.opened.databaseUrl);
  const owner = left.opened.owned ? left : right;
  await owner.stop();
  const first = await open(onlyPostgres);
  const second = await open(onlyPostgres);
  expect([first.owned, second.owned]).toEqual([true, false]);
});

test('a missing password file is an error that says what to do', async () => {
  await (await open(onlyPostgres)).stop();
  const password = join(dataDirectory, 'postgres-password');
  await rm(password);
  await expect(open(onlyPostgres)).rejects.toThrow(`Password file ${password} is missing`);
});

test('the stack runs for a normal user', async () => {
  const programs = join(scratch, 'programs');
  await mkdir(programs, { recursive: true });
  // Root's cache, which the user may not enter, has this binary, and Node where the tests run on another release of it.
  const node = join(programs, 'node');
  for (const [source, target] of [
    [binary, join(programs, 'temporal')],
    [process.execPath, node],
  ] as const) {
    await copyFile(source, target);
    await chmod(target, 0o755);
  }
  const account = process.getuid?.() === 0 ? normalUser() : undefined;
  if (account !== undefined) {
    await chown(dirname(dataDirectory), account.uid, account.gid);
  }
  const user = await openElsewhere(program, {
    dataDirectory,
    needs: all,
    environment: { PATH: [programs, process.env['PATH']].join(delimiter), HOME: dirname(dataDirectory) },
    node,
    ...(account === undefined ? {} : { account }),
  });
  processes.push(user);
  expect(user.opened.owned).toBe(true);
  expect(await query(user.opened.databaseUrl, 'select 1 as n')).toEqual([{ n: 1 }]);
  expect(await searchAttributes(user.opened.temporalAddress)).toHaveProperty('OrgId');
  expect((await stat(join(dataDirectory, 'postgres'))).uid).toBe(account?.uid ?? process.getuid?.());
  const pids = await serverPids();
  expect(await user.stop()).toBe(0);
  expect(await Promise.all(pids.map(identifyProcess))).toEqual([undefined, undefined]);
});

/** Root becomes some other user that every Linux and macOS has. */
function normalUser(): { uid: number; gid: number } {
  const id = (option: string): number => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
