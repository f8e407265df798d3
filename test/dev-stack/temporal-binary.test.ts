import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTemporalBinary } from '../../dev-stack/temporal-binary.ts';
import { buildWithGo, downloadWithSdk } from '../../dev-stack/temporal-install.ts';

const version = 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"';
/** Stands where a proxy refuses connections, so that the SDK's download fails at once. */
const noNetwork = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' };

let scratch: string;
let said: string[];
const say = (line: string): void => void said.push(line);

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocp-pipeline-binary-'));
  said = [];
});

afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
});

async function writeProgram(directory: string, name: string, body: string): Promise<string> {
  await mkdir(join(scratch, directory), { recursive: true });
  const path = join(scratch, directory, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...noNetwork,
    PATH: [join(scratch, 'bin'), '/usr/bin', '/bin'].join(':'),
    HOME: join(scratch, 'home'),
    COUNT: join(scratch, 'count'),
  };
}

/** A toolchain that "builds" in an instant, counts how often it is asked, and shows what it was asked for. */
const quickGo = [
  'echo "$@" >> "$COUNT"',
  "printf '#!/bin/sh\\n%s\\n' '" + version + '\' > "$GOBIN/temporal"',
  'chmod 755 "$GOBIN/temporal"',
].join('\n');

test('a program on PATH comes before the cache', async () => {
  const onPath = await writeProgram('bin', 'temporal', version);
  await writeProgram('home/.cache/ocp-pipeline', 'temporal', version);
  expect(await findTemporalBinary({ say, environment: environment() })).toBe(onPath);
  expect(said).toEqual([]);
});

test('a program on PATH that is no Temporal server is passed over and named', async () => {
  const other = await writeProgram('bin', 'temporal', 'echo "temporal tables 3"');
  const cached = await writeProgram('home/.cache/ocp-pipeline', 'temporal', version);
  expect(await findTemporalBinary({ say, environment: environment() })).toBe(cached);
  expect(said).toEqual([expect.stringContaining(`not used: ${other}: expected a version line`)]);
});

test('XDG_CACHE_HOME moves the cache and a relative one is ignored', async () => {
  const moved = await writeProgram('xdg/ocp-pipeline', 'temporal', version);
  const usual = await writeProgram('home/.cache/ocp-pipeline', 'temporal', version);
  const find = (XDG_CACHE_HOME: string): Promise<string> =>
    findTemporalBinary({ say, environment: { ...environment(), XDG_CACHE_HOME } });
  expect(await find(join(scratch, 'xdg'))).toBe(moved);
  expect(await find('xdg')).toBe(usual);
});

test('go install fills the cache once although two searches run at the same time', async () => {
  await writeProgram('bin', 'go', quickGo);
  const cached = join(scratch, 'home/.cache/ocp-pipeline/temporal');
  const search = (): Promise<string> => findTemporalBinary({ say, environment: environment() });
  expect(await Promise.all([search(), search()])).toEqual([cached, cached]);
  expect(await readFile(join(scratch, 'count'), 'utf8')).toBe(
    'install github.com/temporalio/cli/cmd/temporal@v1.5.1\n',
  );
  expect(await readdir(join(scratch, 'home/.cache/ocp-pipeline'))).toEqual(['temporal']);
});

test('a damaged program in the cache is replaced', async () => {
  await writeProgram('bin', 'go', quickGo);
  const cached = await writeProgram('home/.cache/ocp-pipeline', 'temporal', 'exit 3');
  expect(await findTemporalBinary({ say, environment: environment() })).toBe(cached);
  expect(await readFile(cached, 'utf8')).toContain('Server 1.29.1');
});

test('without any way to get it the error says what to do', async () => {
  await expect(findTemporalBinary({ say, environment: environment() })).rejects.toThrow(
    /No Temporal server program found: .*Install the Temporal CLI.*install Go.*TEMPORAL_ADDRESS/s,
  );
  expect(said).toEqual(
    expect.arrayContaining([
      expect.stringContaining('download abandoned'),
      expect.stringContaining('go install skipped: no go on PATH'),
    ]),
  );
  expect(await readdir(join(scratch, 'home/.cache/ocp-pipeline'))).toEqual([]);
});

test('a failed build tells what Go said', async () => {
  const go = await writeProgram('bin', 'go', 'echo "module lookup disabled" >&2; exit 1');
  expect(await buildWithGo({ directory: scratch, say, environment: environment(), go })).toBeUndefined();
  expect(said.at(-1)).toMatch(/^go install failed after \d+ s: module lookup disabled$/);
});

test('a download over a network that never answers is given up', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const proxy = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const directory = join(scratch, 'download');
  await mkdir(directory);
  try {
    const blocked = { ...environment(), HTTPS_PROXY: proxy, HTTP_PROXY: proxy };
    expect(await downloadWithSdk({ directory, say, environment: blocked, quietMs: 1_500 })).toBeUndefined();
  } finally {
    silent.close();
  }
  expect(said.at(-1)).toBe('download abandoned: no data received for 1.5 s');
});

test('a folder that a killed install left behind is removed by the next install', async () => {
  await writeProgram('bin', 'go', quickGo);
  const leftOver = join(scratch, 'home/.cache/ocp-pipeline/installing-1');
  await mkdir(leftOver, { recursive: true });
  await cp('/bin/sh', join(leftOver, 'temporal'));
  await findTemporalBinary({ say, environment: environment() });
  expect(await readdir(join(scratch, 'home/.cache/ocp-pipeline'))).toEqual(['temporal']);
});
