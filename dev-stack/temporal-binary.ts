import { execFile } from 'node:child_process';
import { access, constants, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { PipelineError } from '../domain/failures/failures.ts';
import { withFileLock } from './stack-record.ts';
import { buildWithGo, downloadWithSdk, goModule } from './temporal-install.ts';

const run = promisify(execFile);
const versionTimeoutMs = 20_000;
const program = 'temporal';
const installPrefix = 'installing-';

/** Where to search, and how to report. */
export interface FindTemporalBinaryOptions {
  /** Called with one line per attempt; an install takes seconds to minutes. */
  say: (line: string) => void;
  /** PATH, HOME and XDG_CACHE_HOME are read; the rest is passed to the programs that install. */
  environment: NodeJS.ProcessEnv;
}

/**
 * Find the `temporal` program, which contains the dev server, and install it if there is none.
 *
 * In this order: PATH; our cache (`$XDG_CACHE_HOME` or `~/.cache`, folder `ocp-pipeline`); the SDK's download into that
 * cache, abandoned after a few seconds without data; `go install` into that cache if Go is installed. Only one process
 * installs at a time, and the program appears in the cache complete or not at all.
 *
 * @returns absolute path of a program that was verified to run
 * @throws PipelineError `EmbeddedServerFailed` that says what to do if nothing works
 */
export async function findTemporalBinary(options: FindTemporalBinaryOptions): Promise<string> {
  const { say, environment } = options;
  const onPath = await findOnPath(program, environment);
  if (onPath !== undefined && (await isTemporalServer(onPath, say))) return onPath;
  const cache = cacheDirectory(environment);
  const cached = join(cache, program);
  const isCached = async () => (await isExecutable(cached)) && (await isTemporalServer(cached, say));
  if (await isCached()) return cached;
  await mkdir(cache, { recursive: true });
  return withFileLock(join(cache, 'temporal.lock'), 'the Temporal server program', say, async () => {
    // Another process may have installed it while this one waited for the lock.
    if (!(await isCached())) await install(cache, cached, options);
    return cached;
  });
}

async function install(
  cache: string,
  destination: string,
  { say, environment }: FindTemporalBinaryOptions,
): Promise<void> {
  say(`no Temporal server program on PATH or in ${cache}: installing one`);
  await removeLeftOvers(cache);
  const workshop = join(cache, `${installPrefix}${process.pid}`);
  await mkdir(workshop);
  try {
    const go = await findOnPath('go', environment);
    const install = { directory: workshop, say, environment };
    for (const attempt of [() => downloadWithSdk(install), () => buildWithGo({ ...install, go })]) {
      const made = await attempt();
      if (made !== undefined && (await isTemporalServer(made, say))) {
        await rename(made, destination);
        say(`Temporal server program installed: ${destination}`);
        return;
      }
    }
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  throw new PipelineError(
    'EmbeddedServerFailed',
    'No Temporal server program found: looked for temporal on PATH and in the cache, tried to download it and to build ' +
      'it with go install. ' +
      `Install the Temporal CLI so that temporal is on PATH, or install Go and retry (${goModule} is built), ` +
      'or set TEMPORAL_ADDRESS to a running server',
  );
}

/** A killed install leaves its folder; the lock is held, so no other install is in progress. */
async function removeLeftOvers(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name.startsWith(installPrefix)) {
      await rm(join(cache, name), { recursive: true, force: true });
    }
  }
}

/** Where programs are kept that were downloaded once: HOME and XDG_CACHE_HOME are read. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  const configured = environment['XDG_CACHE_HOME'];
  // According to the XDG rules a relative path is invalid and must be ignored.
  const base =
    configured !== undefined && isAbsolute(configured)
      ? configured
      : join(environment['HOME'] ?? homedir(), '.cache');
  return join(base, 'ocp-pipeline');
}

async function findOnPath(name: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const directory of (environment['PATH'] ?? '').split(delimiter)) {
    const candidate = join(directory, name);
    if (isAbsolute(candidate) && (await isExecutable(candidate))) {
      return candidate;
    }
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Other programs are named temporal too, and a file may be damaged or built for another machine. */
async function isTemporalServer(path: string, say: (line: string) => void): Promise<boolean> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: versionTimeoutMs });
    if (/\(Server \d+\.\d+/.test(stdout)) {
      return true;
    }
    say(
      `not used: ${path}: expected a version line naming a Temporal server, found ${stdout.trim().slice(0, 100)}`,
    );
  } catch (error) {
    say(`not used: ${path}: it does not run: ${error instanceof Error ? error.message : String(error)}`);
  }
  return false;
}
