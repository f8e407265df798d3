import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { lakeColumns } from '../../engines/trino/lake-columns.ts';
import { createCommandLine } from '../support/command-line.ts';
import { payloadPath } from '../support/fixtures.ts';
import { staticImports } from '../support/static-imports.ts';

/** Makes the packages of the Trino engine look as if `npm ci --omit=optional` had left them out. */
const withoutPackages = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function resolve(specifier, context, next) {
      if (!specifier.startsWith('@duckdb/')) return next(specifier, context);
      throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
    }
  \`));
`)}`;

test('no process loads the packages of the Trino engine before it needs them', () => {
  for (const entry of ['cli/main.ts', 'cli/commands/worker.ts', 'workers/start-workers.ts']) {
    const { packages } = staticImports(entry);
    expect([...packages].filter((name) => name.startsWith('@duckdb/'))).toEqual([]);
  }
});

test('PostgreSQL does without them: a payload is ingested by a worker that has none', async () => {
  const cli = await createCommandLine();
  const { code, stdout, stderr } = await cli.run(
    ['ingest', payloadPath('nise-small'), '--org', '1234567', '--register', '--with-worker', '--json'],
    { NODE_OPTIONS: `--import ${withoutPackages}` },
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('completed');
});

test('a conversion without them says what is missing and what to do', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-optional-'));
  const script = join(directory, 'convert.mjs');
  const file = new URL('../../dist/engines/trino/parquet-file.js', import.meta.url).href;
  await writeFile(
    script,
    `const { writeParquet } = await import(${JSON.stringify(file)});
     await writeParquet({ path: '', header: [] }, ${JSON.stringify(lakeColumns('pod_usage'))}, { path: '', directory: '' })
       .catch((error) => console.log(error.type, error.sentence));`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', withoutPackages, script]);
  expect(stdout).toContain('ConfigInvalid engine=trino needs the optional package @duckdb/node-api');
  expect(stdout).toContain('npm ci without --omit=optional');
  await rm(directory, { recursive: true });
});
