import { beforeAll, expect, test } from 'vitest';
import { relationTables } from '../../domain/reports/relations.ts';
import { createArchiveFolder } from '../support/archives.ts';
import { payloadPath } from '../support/fixtures.ts';
import { buildPayload, rowsBetween } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { handMadeCases } from './hand-made-cases.ts';
import { createLake, relationRows, relationsFromTrino } from './lake.ts';
import type { Attempts } from './lake.ts';

let pipeline: TestPipeline;
let attempts: Attempts;

/** Numbers to a billionth: a sum depends on its order. */
expect.addEqualityTesters([
  (found: unknown, expected: unknown) =>
    typeof found === 'number' && typeof expected === 'number'
      ? Math.abs(found - expected) <= 1e-9 * Math.abs(expected)
      : undefined,
]);

/** Real payloads, made by hand, and of two manifests that share a day: of the older some hours count. */
beforeAll(async () => {
  pipeline = await createTestPipeline();
  const clusterId = 'hand-made';
  await pipeline.addSource('my-ocp-cluster-small');
  await pipeline.addSource(clusterId);
  await pipeline.addSource('generations');
  const folder = await createArchiveFolder();
  const first = rowsBetween(handMadeCases, '2026-10-30 00:00', '2026-10-31 12:00');
  const archives = [
    payloadPath('nise-small'),
    await folder.pack(buildPayload(handMadeCases, { clusterId })),
    await folder.pack(buildPayload(first, { clusterId: 'generations', filesPerKind: 2 })),
    await folder.pack(
      buildPayload(rowsBetween(handMadeCases, '2026-10-31 05:00', '2026-11-01 00:00'), {
        clusterId: 'generations',
        shuffleSeed: 7,
      }),
    ),
  ];
  for (const archive of archives)
    expect(await pipeline.ingest(archive)).toMatchObject({ outcome: 'completed', rejectedRowCount: 0 });
  attempts = await relationsFromTrino(await createLake(), {
    database: pipeline.database,
    csvs: pipeline.objectStore,
  });
});

test.for(relationTables)('%s is the same from both engines', async (table) => {
  const expected = await relationRows(pipeline.database, table);
  const found = await relationRows(pipeline.database, table, attempts);
  expect(expected.length).toBeGreaterThan(0);
  expect(found.length).toBe(expected.length);
  expect(found).toEqual(expected);
});

test('of a piece only the hours that count are read', async () => {
  const { pool, schema } = pipeline.database;
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from ${schema}.ocp_piece where live_hours > 0 and live_hours <> hour_mask`,
  );
  expect(rows[0]?.count).toBeGreaterThan(0);
});
