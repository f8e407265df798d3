// Make a fresh clone ready and run a command in it:
//
//   node scripts/bootstrap.mjs [--temporal] -- node dist/cli/main.js demo
//
// 1. checks the Node version, 2. installs dependencies when they do not match package-lock.json, 3. builds when
// sources changed since the last build, 4. with --temporal makes sure that a Temporal server program is there,
// 5. runs the command and ends with its exit code. Plain Node without dependencies: it runs before they exist.

import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const leastNode = [20, 19];
const lockDirectory = join(root, '.data', 'bootstrap.lock');
const buildStamp = join(root, 'dist', '.bootstrap-sources');
const buildProject = 'tsconfig.build.json';
const lockRetryMs = 200;

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
  if (major < leastNode[0] || (major === leastNode[0] && minor < leastNode[1])) {
    throw new Error(
      `Node.js ${leastNode.join('.')} or later is needed, this is ${process.versions.node} (${process.execPath}); ` +
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
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    await (scripts?.build === undefined
      ? runOrFail(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', buildProject])
      : runOrFail('npm', ['run', '--silent', 'build']));
    await writeFile(buildStamp, sources);
  });
}

/** Name, size and time of every file that a build reads; a removed file changes it too. */
async function sourcesHash() {
  const hash = createHash('sha256');
  const { include } = JSON.parse(await readFile(join(root, buildProject), 'utf8'));
  for (const path of [buildProject, 'tsconfig.json', 'package.json', 'package-lock.json', ...include]) {
    await addToHash(hash, path);
  }
  return hash.digest('hex');
}

async function addToHash(hash, path) {
  const found = await stat(join(root, path)).catch(() => undefined);
  if (found === undefined) {
    return;
  }
  if (found.isDirectory()) {
    for (const name of (await readdir(join(root, path))).sort()) {
      await addToHash(hash, join(path, name));
    }
    return;
  }
  hash.update(`${path}\0${found.size}\0${found.mtimeMs}\0`);
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

/** One bootstrap at a time in this clone: two npm ci would destroy each other's node_modules. */
async function withLock(act) {
  const mine = { pid: process.pid, startTime: await startTime(process.pid), token: randomUUID() };
  // Renamed into place with its content, so that a lock without an owner never exists.
  const fresh = `${lockDirectory}.${mine.token}`;
  await mkdir(fresh, { recursive: true });
  await writeFile(join(fresh, 'owner.json'), JSON.stringify(mine));
  try {
    await acquire(fresh);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  try {
    return await act();
  } finally {
    await rm(lockDirectory, { recursive: true, force: true });
  }
}

async function acquire(fresh) {
  let announced = false;
  for (;;) {
    if (interrupted !== undefined) {
      throw new Error('interrupted');
    }
    try {
      await rename(fresh, lockDirectory);
      return;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) {
        throw error;
      }
    }
    const owner = await readOwner(lockDirectory);
    if (owner !== undefined && (await startTime(owner.pid)) !== owner.startTime) {
      await breakLock(owner);
      continue;
    }
    if (!announced && owner !== undefined) {
      announced = true;
      console.error(`bootstrap: waiting for process ${owner.pid}, which installs or builds here`);
    }
    await delay(lockRetryMs);
  }
}

/** Moved away before it is removed; when another process was faster and this is its new lock, it is put back. */
async function breakLock(owner) {
  const aside = `${lockDirectory}.broken-${randomUUID()}`;
  try {
    await rename(lockDirectory, aside);
  } catch {
    return;
  }
  if ((await readOwner(aside))?.token !== owner.token) {
    await rename(aside, lockDirectory).catch(() => undefined);
  }
  await rm(aside, { recursive: true, force: true });
}

async function readOwner(directory) {
  try {
    return JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Pids are used again, in containers often; where /proc is missing only whether the process lives is known. */
async function startTime(pid) {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; its parent has merely not asked for its exit code.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    try {
      process.kill(pid, 0);
      return process.platform === 'linux' ? undefined : 'alive';
    } catch (error) {
      return error.code === 'EPERM' && process.platform !== 'linux' ? 'alive' : undefined;
    }
  }
}
