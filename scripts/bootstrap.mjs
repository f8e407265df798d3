// Make a fresh clone ready and run a command in it:
//
//   node scripts/bootstrap.mjs [--temporal] -- node dist/cli/main.js demo
//
// 1. checks the Node version, 2. installs dependencies when they do not match package-lock.json, 3. builds when
// sources changed since the last build, 4. with --temporal makes sure that a Temporal server program is there,
// 5. runs the command and ends with its exit code. Plain Node without dependencies: it runs before they exist.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const minNode = [20, 19];
const lockDirectory = join(root, '.data', 'bootstrap.lock');
const buildStamp = join(root, 'dist', '.bootstrap-sources');
const buildProject = 'tsconfig.build.json';
/** Built by Vite. */
const pageFolder = 'page';
const lockRetryMs = 200;
/** Refreshed every fifth of it; one older than this belongs to a run that was killed. */
const lockStaleMs = 10_000;

/** The child that runs now; signals go to it. */
let current;
/** Exit code owed to the first signal that arrived while no command ran, such as Ctrl-C during the build. */
let interrupted;

main().then(
  (code) => (process.exitCode = code),
  (error) => {
    console.error(`bootstrap: ${error.message}`);
    process.exitCode = interrupted ?? 1;
  },
);

async function main() {
  const { withTemporal, command } = readArguments(process.argv.slice(2));
  checkNode();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => passOn(signal));
  }
  await withLock(async () => {
    await installWhenNeeded();
    await buildWhenNeeded();
  });
  if (withTemporal) {
    await findTemporal();
  }
  if (interrupted !== undefined) {
    return interrupted;
  }
  if (command.length === 0) {
    return 0;
  }
  const [program, ...args] = command;
  return run(program === 'node' ? process.execPath : program, args);
}

function readArguments(args) {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const options = args.slice(0, end);
  const unknown = options.find((option) => option !== '--temporal');
  if (unknown !== undefined) {
    throw new Error(`unknown option ${unknown}; usage: node scripts/bootstrap.mjs [--temporal] -- command …`);
  }
  return { withTemporal: options.includes('--temporal'), command: args.slice(end + 1) };
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < minNode[0] || (major === minNode[0] && minor < minNode[1])) {
    throw new Error(
      `Node.js ${minNode.join('.')} or later is needed, this is ${process.versions.node} (${process.execPath}); ` +
        'install a current release and run the same command again',
    );
  }
}

// ---- dependencies ------------------------------------------------------------------------------------------------

async function installWhenNeeded() {
  const reason = await whyInstall();
  if (reason === undefined) {
    return;
  }
  await step(`installing dependencies (npm ci): ${reason}`, 'dependencies installed', () =>
    runOrFail('npm', ['ci', '--no-audit', '--no-fund']),
  );
}

/** npm writes node_modules/.package-lock.json last, so an install that was cut short has none. */
async function whyInstall() {
  const wanted = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')).packages;
  let installed;
  try {
    installed = JSON.parse(await readFile(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  } catch {
    return 'node_modules is missing or incomplete';
  }
  for (const [path, entry] of Object.entries(wanted)) {
    const present = installed[path];
    // Optional packages are those of other platforms, which npm leaves out.
    const mayBeAbsent = path === '' || entry.optional || entry.devOptional || entry.peer;
    if (present === undefined ? !mayBeAbsent : present.version !== entry.version) {
      return `${path} ${entry.version} wanted, ${present?.version ?? 'nothing'} installed`;
    }
  }
  return undefined;
}

// ---- build -------------------------------------------------------------------------------------------------------

async function buildWhenNeeded() {
  const sources = await sourcesHash();
  const built = await readFile(buildStamp, 'utf8').catch(() => '');
  if (built === sources) {
    return;
  }
  await step(built === '' ? 'building' : 'building: sources changed', 'built', async () => {
    await runOrFail('npm', ['run', '--silent', 'build']);
    await writeFile(buildStamp, sources);
  });
}

/** Name, size and time of every file that a build reads; a removed file changes it too. */
async function sourcesHash() {
  const hash = createHash('sha256');
  const { include } = JSON.parse(await readFile(join(root, buildProject), 'utf8'));
  const folders = await Promise.all(
    [...include, pageFolder].map(async (folder) => {
      const names = await readdir(join(root, folder), { recursive: true }).catch(() => []);
      return names.map((name) => join(folder, name));
    }),
  );
  for (const path of [
    buildProject,
    'tsconfig.json',
    'package.json',
    'package-lock.json',
    ...folders.flat().sort(),
  ]) {
    const found = await stat(join(root, path)).catch(() => undefined);
    if (found?.isFile()) {
      hash.update(`${path}\0${found.size}\0${found.mtimeMs}\0`);
    }
  }
  return hash.digest('hex');
}

// ---- Temporal ----------------------------------------------------------------------------------------------------

/** In a child of its own, so that Ctrl-C ends a long install like any other step. */
async function findTemporal() {
  const module = pathToFileURL(join(root, 'dist', 'dev-stack', 'temporal-binary.js')).href;
  const program = `
    const { findTemporalBinary } = await import(${JSON.stringify(module)});
    const say = (line) => console.error('bootstrap: ' + line);
    await findTemporalBinary({ say, environment: process.env }).catch((error) => {
      say(error.message);
      process.exitCode = 1;
    });`;
  await runOrFail(
    process.execPath,
    ['--input-type=module', '--eval', program],
    'finding a Temporal server program',
  );
}

// ---- processes ---------------------------------------------------------------------------------------------------

async function step(start, end, act) {
  console.error(`bootstrap: ${start}`);
  const startedAt = Date.now();
  await act();
  console.error(`bootstrap: ${end} in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

async function runOrFail(program, args, name = [program, ...args].join(' ')) {
  const code = interrupted ?? (await run(program, args, ['ignore', process.stderr, process.stderr]));
  if (interrupted !== undefined) {
    throw new Error('interrupted');
  }
  if (code !== 0) {
    throw new Error(`${name} failed with exit code ${code}; its output is above`);
  }
}

/** @returns exit code; 128 + number when a signal ended it, as shells have it */
function run(program, args, stdio = 'inherit') {
  return new Promise((resolve, reject) => {
    current = spawn(program, args, { cwd: stdio === 'inherit' ? process.cwd() : root, stdio });
    current.once('error', (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    current.once('exit', (code, signal) => {
      current = undefined;
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/**
 * Never ends the child by force: it has servers and workers to stop. A terminal sends Ctrl-C and hang-up to the child
 * as well, and a second one often means "at once", so these are passed on only when there is no terminal.
 */
function passOn(signal) {
  const terminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  interrupted ??= 128 + constants.signals[signal];
  if (current !== undefined && !(terminal && signal !== 'SIGTERM')) {
    current.kill(signal);
  }
}

// ---- lock --------------------------------------------------------------------------------------------------------

/**
 * One bootstrap at a time in this clone: two npm ci would destroy each other's node_modules. Whoever makes the folder
 * has the lock, and keeps its time fresh.
 */
async function withLock(act) {
  await mkdir(dirname(lockDirectory), { recursive: true });
  for (let announced = false; !(await tryLock()); announced = true) {
    if (interrupted !== undefined) {
      throw new Error('interrupted');
    }
    if (!announced) {
      console.error('bootstrap: waiting for another process, which installs or builds here');
    }
    await delay(lockRetryMs);
  }
  const refresh = setInterval(() => {
    const now = new Date();
    utimes(lockDirectory, now, now).catch(() => undefined);
  }, lockStaleMs / 5);
  try {
    return await act();
  } finally {
    clearInterval(refresh);
    await rm(lockDirectory, { recursive: true, force: true });
  }
}

async function tryLock() {
  try {
    await mkdir(lockDirectory);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') {
      throw error;
    }
  }
  if (await isStale(lockDirectory)) {
    // Moved away before it is removed; when another process was faster and this is its new lock, it is put back.
    const aside = `${lockDirectory}.${process.pid}`;
    await rename(lockDirectory, aside).catch(() => undefined);
    if (await isStale(aside)) {
      await rm(aside, { recursive: true, force: true });
    } else {
      await rename(aside, lockDirectory).catch(() => undefined);
    }
  }
  return false;
}

async function isStale(lock) {
  const found = await stat(lock).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > lockStaleMs;
}
