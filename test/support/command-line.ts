import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inject } from 'vitest';
import { atEnd } from './at-end.ts';
import { createTestDatabase } from './database.ts';
import type { TestDatabase } from './database.ts';
import { createNamespace, testNow } from './pipeline.ts';
import { program } from './program-process.ts';

/** What a command printed and how it ended. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The built command line with a database, a namespace and an object store of this test file's own. */
export interface CommandLine {
  database: TestDatabase;
  environment: Record<string, string>;
  /** Start the command; the caller stops it. */
  start(args: readonly string[]): { child: ChildProcess; ended: Promise<CommandResult> };
  /** Run the command to its end, without a terminal. */
  run(args: readonly string[], environment?: Record<string, string | undefined>): Promise<CommandResult>;
}

/** Set up the command line. `npm test` builds it first. */
export async function createCommandLine(): Promise<CommandLine> {
  const database = await createTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-cli-'));
  const { connection, namespace } = await createNamespace();
  atEnd(async () => {
    await connection.close();
    await rm(directory, { recursive: true, force: true });
  });
  const environment = {
    DATABASE_URL: database.url,
    OBJECT_STORE: pathToFileURL(join(directory, 'objects')).href,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
    OCP_DATA_DIR: join(directory, 'data'),
    OCP_NOW: testNow,
    // Tests serve payloads from this machine.
    OCP_LOCAL_DOWNLOADS: 'true',
  };
  return {
    database,
    environment,
    start: (args) => startProgram(args, environment),
    run: (args, more = {}) => startProgram(args, { ...environment, ...more }).ended,
  };
}

/** Start a built program with these variables besides those of this process. */
export function startProgram(
  args: readonly string[],
  environment: Record<string, string | undefined>,
  path = program,
): { child: ChildProcess; ended: Promise<CommandResult> } {
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  return { child, ended };
}
