import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What `go install` builds. Later tags of the CLI cannot be installed this way: their modules have replace lines. */
export const goModule = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

const quietLimitMs = 8_000;
const watchMs = 200;
const progressMs = 15_000;
const outputTailLength = 1_000;

/** One attempt to put a `temporal` program into a directory. */
export interface InstallOptions {
  /** Existing, empty directory to put the program into. */
  directory: string;
  say: (line: string) => void;
  environment: NodeJS.ProcessEnv;
}

/**
 * Let the Temporal SDK download the server that it would use for tests.
 *
 * In a separate process, because the SDK's download has no time limit: it is stopped when no data arrived for
 * `quietMs`, and may take as long as it needs while data arrive.
 *
 * @returns path of the program, undefined if the download failed; the reason is reported
 */
export async function downloadWithSdk(
  options: InstallOptions & { quietMs?: number },
): Promise<string | undefined> {
  const { directory, say, environment, quietMs = quietLimitMs } = options;
  let sdk: string;
  try {
    sdk = pathToFileURL(createRequire(import.meta.url).resolve('@temporalio/testing')).href;
  } catch {
    say('download skipped: the package @temporalio/testing is not installed');
    return undefined;
  }
  say('downloading the Temporal server with the SDK');
  const child = spawn(process.execPath, ['--input-type=module', '--eval', downloadProgram, sdk, directory], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = watch(child);
  const stalled = await killWhenQuiet(child, ended, directory, quietMs);
  const { problem } = await ended;
  const program = await finishedDownload(directory);
  if (program === undefined) {
    say(`download abandoned: ${stalled ? `no data received for ${quietMs / 1000} s` : rootCause(problem)}`);
  }
  return program;
}

/**
 * Build the program with `go install`, which takes minutes if nothing of it was built before.
 *
 * @param options.go path of the Go command; undefined if there is none
 * @returns path of the program, undefined if the build failed; the reason is reported
 */
export async function buildWithGo(
  options: InstallOptions & { go: string | undefined },
): Promise<string | undefined> {
  const { directory, say, environment, go } = options;
  if (go === undefined) {
    say('go install skipped: no go on PATH');
    return undefined;
  }
  say(`building the Temporal server: go install ${goModule} (takes 2 to 5 minutes the first time)`);
  const startedAt = Date.now();
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1000);
  const child = spawn(go, ['install', goModule], {
    cwd: directory,
    env: { ...environment, GOBIN: directory, GO111MODULE: 'on' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const progress = setInterval(() => say(`still building the Temporal server (${seconds()} s)`), progressMs);
  try {
    const { succeeded, problem } = await watch(child);
    if (!succeeded) {
      say(`go install failed after ${seconds()} s: ${problem.trim()}`);
      return undefined;
    }
  } finally {
    clearInterval(progress);
  }
  say(`Temporal server built in ${seconds()} s`);
  return join(directory, 'temporal');
}

/** A standalone Node script: its arguments are the SDK's URL and the directory to download to. */
const downloadProgram = `
const [sdk, downloadDir] = process.argv.slice(1);
const { TestWorkflowEnvironment } = (await import(sdk)).default;
const executable = { type: 'cached-download', downloadDir };
const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
await environment.teardown();
process.exit(0);
`;

interface Outcome {
  succeeded: boolean;
  /** End of what it wrote to standard error, or why it did not start. */
  problem: string;
}

function watch(child: ChildProcess): Promise<Outcome> {
  let problem = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    problem = (problem + text).slice(-outputTailLength);
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ succeeded: false, problem: error.message }));
    child.once('close', (code, signal) => {
      resolve({
        succeeded: code === 0,
        problem: problem || `exited with ${signal ?? `exit code ${code ?? 0}`}`,
      });
    });
  });
}

/** @returns whether it was stopped because no data arrived */
function killWhenQuiet(
  child: ChildProcess,
  ended: Promise<Outcome>,
  directory: string,
  quietMs: number,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let lastArrival = Date.now();
    const check = async (): Promise<void> => {
      const now = await byteCount(directory);
      // Once complete, the SDK starts the server and stops it again; if killed in between, it would leave it running.
      const complete = (await finishedDownload(directory)) !== undefined;
      if (now !== bytes || complete) {
        bytes = now;
        lastArrival = Date.now();
      } else if (Date.now() - lastArrival > quietMs) {
        child.kill('SIGKILL');
        finish(true);
      }
    };
    const timer = setInterval(() => void check().catch(reject), watchMs);
    const finish = (stalled: boolean): void => {
      clearInterval(timer);
      resolve(stalled);
    };
    void ended.then(() => finish(false));
  });
}

async function byteCount(directory: string): Promise<number> {
  let total = 0;
  for (const name of await readdir(directory)) {
    // A finished download is renamed between the listing and this call.
    const found = await stat(join(directory, name)).catch(() => undefined);
    total += found?.size ?? 0;
  }
  return total;
}

/** The SDK gives an unfinished download another suffix until it is complete. */
async function finishedDownload(directory: string): Promise<string | undefined> {
  const name = (await readdir(directory)).find((entry) => /^temporal-[^/]*\d$/.test(entry));
  return name === undefined ? undefined : join(directory, name);
}

/** The SDK reports a chain of causes, "… : … : …", whose last two parts contain the actual cause. */
function rootCause(problem: string): string {
  const line = problem.split('\n').find((candidate) => /error|fail/i.test(candidate)) ?? problem;
  return line.trim().replace(/\]$/, '').split(': ').slice(-2).join(': ');
}
