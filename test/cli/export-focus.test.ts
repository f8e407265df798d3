import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { giveModel, plain } from '../costs/priced-source.ts';
import { priceAndRecord, scratchDirectory } from '../focus/exported.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine, CommandResult } from '../support/command-line.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { program } from '../support/program-process.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { staticImports } from '../support/static-imports.ts';
import { day, stageExample } from '../support/worked-example.ts';

let cli: CommandLine;
let source: StagedSource;
let directory: string;

beforeAll(async () => {
  cli = await createCommandLine();
  directory = await scratchDirectory();
  source = await createStagedSource(cli.database, '2026-10');
  await stageExample(source);
  await source.summarise('koku', day);
});

const exportFocus = (...args: string[]): Promise<CommandResult> =>
  cli.run(['export', 'focus', '--org', cli.database.orgId, ...args], { OCP_NOW: '2026-11-28T12:00:00Z' });

test('a cluster without a cost model has a file without lines, and that is said', async () => {
  await priceAndRecord(source, day);
  const { code, stdout, stderr } = await exportFocus('--month', '2026-10', '-o', join(directory, 'none.csv'));
  expect([code, stdout]).toEqual([0, expect.stringContaining('none.csv: 0 lines, no costs') as string]);
  expect(stderr).toContain(`Cluster ${source.clusterId} has no cost model`);
  expect((await readFile(join(directory, 'none.csv'), 'utf8')).split('\n')).toHaveLength(2);
});

test('a file and its metadata, or standard output', async () => {
  // 0.1 for each of 2.5, 0.5, 0.2, 2, 5 and 5.8 core-hours.
  await giveModel(source, [plain('cpu_core_usage_per_hour', 0.1)]);
  await priceAndRecord(source, day);
  const path = join(directory, 'october.csv');
  const file = await exportFocus('--month', '2026-10', '-o', path, '--json');
  expect(file.code, file.stderr).toBe(0);
  expect(JSON.parse(file.stdout)).toMatchObject({
    file: path,
    metadata: `${path}.meta.json`,
    rows: 6,
    totals: [{ ClusterId: source.clusterId, Currency: 'USD', Layer: 'rate', Cost: '1.6' }],
  });
  expect(file.stderr).toContain('2026-10 is not complete: 31 of 31 days, from 2026-10-01 to 2026-10-31');
  const stream = await exportFocus('--month', '2026-10', '-o', '-', '--cluster', source.clusterId);
  expect([stream.code, stream.stdout]).toEqual([0, await readFile(path, 'utf8')]);
  expect(stream.stderr).toContain('standard output: 6 lines, 1.6 USD');
  const told = await exportFocus('--month', '2026-10', '-o', '-', '--json');
  expect(told.stdout).toBe(stream.stdout);
  expect(JSON.parse(told.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
    file: '-',
    rows: 6,
    totals: [{ Currency: 'USD', Cost: '1.6' }],
  });
});

test.each(['1.2', '1.3'])('version %s of the specification', async (version) => {
  const path = join(directory, `${version}.csv`);
  const { code, stderr } = await exportFocus('--month', '2026-10', '-o', path, '--focus-version', version);
  expect(code, stderr).toBe(0);
  const metadata = JSON.parse(await readFile(`${path}.meta.json`, 'utf8')) as { Schema: unknown[] };
  expect(metadata.Schema).toMatchObject([{ FocusVersion: version }]);
});

/** Whether the file is the one of its metadata; undefined without metadata. */
async function isOfMetadata(path: string): Promise<boolean | undefined> {
  const metadata = await readFile(`${path}.meta.json`, 'utf8').catch(() => undefined);
  if (metadata === undefined) return undefined;
  const { Artifact } = JSON.parse(metadata) as { Artifact: { Sha256: string } };
  return (
    Artifact.Sha256 ===
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  );
}

test('an export that is killed while it replaces a file leaves it beside no metadata of another', async () => {
  const path = join(directory, 'killed.csv');
  const found: (boolean | undefined)[] = [];
  for (const renames of [1, 2, 3]) {
    const first = await exportFocus('--month', '2026-10', '-o', path, '--provider', 'before');
    expect(first.code, first.stderr).toBe(0);
    const { code } = await cli.run(
      [
        'export',
        'focus',
        '--org',
        cli.database.orgId,
        '--month',
        '2026-10',
        '-o',
        path,
        '--provider',
        'after',
      ],
      { NODE_OPTIONS: `--import ${killedAfter(renames)}` },
    );
    expect(code).toBeNull();
    found.push(await isOfMetadata(path));
  }
  // Renamed are the old metadata, the file, the new metadata.
  expect(found).toEqual([undefined, undefined, true]);
});

/** A module that kills the process when it has renamed so many files. */
function killedAfter(renames: number): string {
  const source = `
    import { createRequire, syncBuiltinESMExports } from 'node:module';
    const fs = createRequire('/')('node:fs/promises');
    const { rename } = fs;
    let left = ${renames};
    fs.rename = async (...names) => {
      await rename(...names);
      left -= 1;
      if (left === 0) process.kill(process.pid, 'SIGKILL');
    };
    syncBuiltinESMExports();`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

test('a file that cannot be written whole is not there, and the message names it', async () => {
  const path = join(directory, 'large.csv');
  await writeFile(path, 'of yesterday');
  // The system lets no file grow beyond a block, which the header is longer than.
  const { stderr } = await promisify(execFile)(
    'sh',
    ['-c', 'ulimit -f 1; "$0" "$@"; test $? = 1', process.execPath, program, 'export', 'focus'].concat(
      ...['--org', cli.database.orgId, '--month', '2026-10', '-o', path],
    ),
    { env: { ...process.env, ...cli.environment } },
  );
  expect(stderr).toMatch(
    /Output .*\/large\.csv: cannot be written: EFBIG: file too large; make room in .*, or name another folder\n/,
  );
  expect(await readFile(path, 'utf8')).toBe('of yesterday');
  expect(
    (await readdir(directory)).filter((name) => name.includes('.part') && name.includes('large')),
  ).toEqual([]);
});

test('what cannot be exported is said, and leaves no file', async () => {
  await mkdir(join(directory, 'folder.csv'));
  await mkdir(join(directory, 'told.csv.meta.json'));
  const before = await readdir(directory);
  const path = join(directory, 'new.parquet');
  const refusals = [
    [['--month', '2026-09', '-o', path], 'has no data of 2026-09; it has data of 2026-10'],
    [['--month', '2026-13', '-o', path], '--month: expected YYYY-MM, found "2026-13"'],
    [['--month', '2026-10', '-o', 'costs.xlsx'], 'expected a name that ends in .csv or .parquet'],
    [['--month', '2026-10', '-o', path, '--cluster', 'nobody'], 'has no cluster nobody'],
    [['--month', '2026-10', '-o', path, '--layers', 'rate,tax'], 'found "tax"'],
    [['--month', '2026-10', '-o', path, '--closed-only'], '31 of 31 days are incomplete'],
    [
      ['--month', '2026-10', '-o', join(directory, 'nowhere', 'a.csv')],
      'nowhere that can be written, found: ENOENT',
    ],
    [
      ['--month', '2026-10', '-o', join(directory, 'folder.csv')],
      'folder.csv: expected a file, found a folder',
    ],
    [
      ['--month', '2026-10', '-o', join(directory, 'told.csv')],
      'told.csv: expected told.csv.meta.json to be a file, found a folder',
    ],
  ] as const;
  for (const [args, message] of refusals) {
    const { code, stdout, stderr } = await exportFocus(...args);
    expect([code === 0, stdout], stderr).toEqual([false, '']);
    expect(stderr).toContain(message);
  }
  const unknown = await cli.run(['export', 'focus', '--org', '999', '--month', '2026-10', '-o', path]);
  expect(unknown.stderr).toContain('Organisation 999 is unknown');
  expect(await readdir(directory)).toEqual(before);
});

test('the library of Parquet is loaded for Parquet alone', () => {
  expect([...staticImports('cli/commands/export-focus.ts').packages]).not.toContain('hyparquet-writer');
});
