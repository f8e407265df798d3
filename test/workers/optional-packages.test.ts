import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { lakeColumns } from '../../engines/trino/lake-columns.ts';
import { createCommandLine } from '../support/command-line.ts';
import { payloadPath } from '../support/fixtures.ts';
import { staticImports } from '../support/static-imports.ts';

/** The program is built with all packages; these `npm ci --omit=dev --omit=optional` then leaves out. */
const { packages } = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
) as { packages: Record<string, { optional?: boolean }> };
const leftOut = Object.entries(packages).flatMap(([path, { optional }]) =>
  optional === true ? [path.replace(/^.*node_modules\//, '')] : [],
);

/** Makes them look as if they were not there, to `import` and to `require`. */
const withoutPackages = `data:text/javascript,${encodeURIComponent(`
  import Module from 'node:module';
  const leftOut = ${JSON.stringify(leftOut)};
  const isLeftOut = (wanted) => leftOut.some((name) => wanted === name || wanted.startsWith(name + '/'));
  const resolveFilename = Module._resolveFilename;
  Module._resolveFilename = function (wanted, ...more) {
    if (!isLeftOut(wanted)) return resolveFilename.call(this, wanted, ...more);
    throw Object.assign(new Error('Cannot find module ' + wanted), { code: 'MODULE_NOT_FOUND' });
  };
  Module.register('data:text/javascript,' + encodeURIComponent(\`
    const leftOut = \${JSON.stringify(leftOut)};
    const isLeftOut = \${isLeftOut};
    export async function resolve(specifier, context, next) {
      if (!isLeftOut(specifier)) return next(specifier, context);
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

test('a worker that knows a Trino does not start without them, and says what to do', async () => {
  const cli = await createCommandLine();
  for (const words of [
    ['worker'],
    ['ingest', payloadPath('nise-small'), '--org', '1234567', '--with-worker'],
  ]) {
    const { code, stderr } = await cli.run(words, {
      NODE_OPTIONS: `--import ${withoutPackages}`,
      TRINO_URL: 'http://127.0.0.1:9',
      TRINO_LOCATION: 'local:///objects',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('engine=trino needs the optional package @duckdb/node-api');
    expect(stderr).toContain('unset TRINO_URL for this worker');
  }
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
