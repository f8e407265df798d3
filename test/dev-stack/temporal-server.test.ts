import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning } from '../../dev-stack/process-identity.ts';
import { findTemporalBinary } from '../../dev-stack/temporal-binary.ts';
import { answersTemporal, startTemporal, stopTemporal } from '../../dev-stack/temporal-server.ts';

let directory: string;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-temporal-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** A program that panics in its first starts and then is the real server. */
async function panicking(startCount: number): Promise<string> {
  const real = await findTemporalBinary({ say: () => undefined, environment: process.env });
  const program = join(directory, 'temporal');
  await writeFile(
    program,
    `#!/bin/sh
echo start >> '${directory}/starts'
if [ "$(wc -l < '${directory}/starts')" -le ${startCount} ]; then
  echo 'panic: no such thing'
  seq 2000
  exit 2
fi
exec '${real}' "$@"
`,
  );
  await chmod(program, 0o755);
  return program;
}

const start = (binary: string) =>
  startTemporal({
    binary,
    databaseFile: undefined,
    workingDirectory: directory,
    logFile: join(directory, 'temporal.log'),
    wantedPort: 0,
    wantedUiPort: 0,
    environment: process.env,
  });

test('a server that panics while it starts is started again', async () => {
  const server = await start(await panicking(2));
  expect(await answersTemporal(server)).toBe(true);
  await stopTemporal(server);
  expect(await isRunning(server)).toBe(false);
});

test('servers that want the same port at once each get one, and none is taken for another', async () => {
  const binary = await findTemporalBinary({ say: () => undefined, environment: process.env });
  const wantedPort = await freePort();
  const servers = await Promise.all(
    [1, 2, 3, 4].map((n) =>
      startTemporal({
        binary,
        databaseFile: join(directory, `${n}.db`),
        workingDirectory: directory,
        logFile: join(directory, `${n}.log`),
        wantedPort,
        wantedUiPort: 0,
        environment: process.env,
      }),
    ),
  );
  try {
    expect(new Set(servers.map(({ port }) => port)).size).toBe(4);
    for (const server of servers) expect(await answersTemporal(server)).toBe(true);
    const [first, second] = servers;
    // The first process with the second one's port: somebody answers there, but not this server.
    if (first === undefined || second === undefined) throw new Error('four servers were started');
    expect(await answersTemporal({ ...first, port: second.port })).toBe(false);
  } finally {
    await Promise.all(servers.map(stopTemporal));
  }
});

test('one that always does is an error with the first and the last of its output', async () => {
  await expect(start(await panicking(1_000))).rejects.toThrow(
    /Temporal dev server exited (?:with exit code 2|at once); its output, from .*:\npanic: no such thing\n1\n[^]*\n…\n[^]*\n2000$/,
  );
  expect(await readFile(join(directory, 'starts'), 'utf8')).toBe('start\n'.repeat(3));
});
