import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';

const script = fileURLToPath(new URL('../../scripts/bootstrap.mjs', import.meta.url));

/** Leaves one line per build, and the version of the only source. */
const buildProgram = `
import { appendFileSync, copyFileSync, mkdirSync } from 'node:fs';
mkdirSync('dist', { recursive: true });
appendFileSync('dist/builds', 'built\\n');
copyFileSync('cli/main.js', 'dist/main.js');
`;

/** A command that needs a moment to stop, as one with servers does, and tells when. */
const slowToStop = `
process.on('SIGTERM', () => setTimeout(() => { console.log('stopped'); process.exit(5); }, 300));
setInterval(() => {}, 1000);
console.log('running');
`;

let clone: string;
let started: ChildProcessWithoutNullStreams[];

beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'ocp-pipeline-clone-'));
  started = [];
  await mkdir(join(clone, 'scripts'));
  await mkdir(join(clone, 'cli'));
  await copyFile(script, join(clone, 'scripts', 'bootstrap.mjs'));
  await writeJson('package.json', {
    name: 'clone',
    version: '1.0.0',
    type: 'module',
    scripts: { build: 'node build.mjs' },
  });
  const root = { name: 'clone', version: '1.0.0' };
  await writeJson('package-lock.json', {
    ...root,
    lockfileVersion: 3,
    requires: true,
    packages: { '': root },
  });
  await writeJson('tsconfig.json', {});
  await writeJson('tsconfig.build.json', { include: ['cli', 'absent'] });
  await writeFile(join(clone, 'build.mjs'), buildProgram);
  await writeFile(
    join(clone, 'cli', 'main.js'),
    "console.log('first', process.argv[2]); process.exitCode = 3;",
  );
  // npm writes its record of what is installed only when there is something.
  await mkdir(join(clone, 'dependency'));
  await addDependency('1.0.0');
});

afterEach(async () => {
  started.forEach((child) => child.kill('SIGKILL'));
  await rm(clone, { recursive: true, force: true });
});

async function writeJson(name: string, content: unknown): Promise<void> {
  await writeFile(join(clone, name), JSON.stringify(content));
}

/** A local package, so that npm needs no network. */
async function addDependency(version: string): Promise<void> {
  await writeJson('dependency/package.json', { name: 'dependency', version });
  const root = { name: 'clone', version: '1.0.0', dependencies: { dependency: 'file:dependency' } };
  await writeJson('package.json', { ...root, type: 'module', scripts: { build: 'node build.mjs' } });
  const packages = {
    '': root,
    dependency: { version },
    'node_modules/dependency': { resolved: 'dependency', link: true },
  };
  await writeJson('package-lock.json', {
    name: 'clone',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages,
  });
}

function start(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(clone, 'scripts', 'bootstrap.mjs'), ...args], { cwd: clone });
  started.push(child);
  return child;
}

interface Ended {
  code: number | null;
  output: string;
  messages: string;
}

async function finish(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let output = '';
  let messages = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (messages += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, messages };
}

async function builds(): Promise<number> {
  return (await readFile(join(clone, 'dist', 'builds'), 'utf8')).split('built').length - 1;
}

const demo = ['--', 'node', 'dist/main.js', 'demo'];

test('a fresh clone is installed and built, and the command gives the exit code', async () => {
  const { code, output, messages } = await finish(start(...demo));
  expect(code).toBe(3);
  expect(output).toBe('first demo\n');
  expect(messages).toMatch(/installing dependencies \(npm ci\): node_modules is missing/);
  expect(messages).toMatch(/dependencies installed in \d+\.\d s/);
  expect(messages).toMatch(/built in \d+\.\d s/);
});

test('a second run neither installs nor builds', async () => {
  await finish(start(...demo));
  const { code, messages } = await finish(start(...demo));
  expect(code).toBe(3);
  expect(messages).toBe('');
  expect(await builds()).toBe(1);
});

test('a changed source is built again and a changed lock file installed again', async () => {
  await finish(start(...demo));
  await writeFile(join(clone, 'cli', 'main.js'), "console.log('second version');");
  const afterSource = await finish(start(...demo));
  expect(afterSource.output).toBe('second version\n');
  expect(afterSource.messages).not.toContain('npm ci');
  await addDependency('2.0.0');
  const afterLock = await finish(start(...demo));
  expect(afterLock.messages).toMatch(/npm ci\): dependency 2\.0\.0 wanted, 1\.0\.0 installed/);
});

test('two runs at once install and build one after the other', async () => {
  const ended = await Promise.all([finish(start(...demo)), finish(start(...demo))]);
  expect(ended.map(({ code }) => code)).toEqual([3, 3]);
  expect(ended.filter(({ messages }) => messages.includes('npm ci'))).toHaveLength(1);
  expect(await builds()).toBe(1);
});

test('the lock of a run that was killed is broken', async () => {
  const lock = join(clone, '.data', 'bootstrap.lock');
  await mkdir(lock, { recursive: true });
  // A run refreshes its lock every two seconds and waits until the other one's is ten seconds old: the killed one does
  // so until it is waited for, and then has not done it for long.
  const refresh = async (ageMs: number) => {
    // eslint-disable-next-line no-restricted-syntax -- an interval, of no date
    const at = new Date(Date.now() - ageMs);
    await utimes(lock, at, at);
  };
  const child = start(...demo);
  const ended = finish(child);
  let said = '';
  child.stderr.on('data', (text: string) => (said += text));
  await waitUntil(async () => {
    await refresh(0);
    return said.includes('waiting for another process');
  });
  await refresh(60_000);
  const { code, messages } = await ended;
  expect(code).toBe(3);
  expect(messages.match(/waiting for another process/g)).toHaveLength(1);
});

test('the lock of a run that goes on is not broken', async () => {
  // Longer than a lock may stay without being refreshed.
  await writeFile(join(clone, 'build.mjs'), `${buildProgram}\nsetTimeout(() => {}, 12_000);`);
  const ended = await Promise.all([finish(start(...demo)), finish(start(...demo))]);
  expect(ended.map(({ code }) => code)).toEqual([3, 3]);
  expect(await builds()).toBe(1);
});

test('a failed build ends with an error and is tried again', async () => {
  await writeFile(join(clone, 'build.mjs'), 'process.exit(4);');
  const failed = await finish(start(...demo));
  expect(failed.code).toBe(1);
  expect(failed.messages).toContain('npm run --silent build failed with exit code 4');
  await writeFile(join(clone, 'build.mjs'), buildProgram);
  expect((await finish(start(...demo))).code).toBe(3);
});

test('a signal reaches the command, which is given the time to end', async () => {
  await writeFile(join(clone, 'cli', 'main.js'), slowToStop);
  const child = start(...demo);
  const ended = finish(child);
  await once(createInterface(child.stdout), 'line');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 5, output: 'running\nstopped\n' });
});

test('an unknown option is refused', async () => {
  const { code, messages } = await finish(start('--fast', ...demo));
  expect(code).toBe(1);
  expect(messages).toContain('unknown option --fast');
});
