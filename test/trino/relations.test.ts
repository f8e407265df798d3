import { beforeAll, expect, test } from 'vitest';
import { relationTables } from '../../domain/reports/relations.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { Payload } from '../support/archives.ts';
import { buildPayload, rowsBetween } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { handMadeCases } from './hand-made-cases.ts';
import { createLake, lakeSchema, numbersToABillionth, relationRows, relationsFromTrino } from './lake.ts';
import type { Attempts, TestLake } from './lake.ts';
import { olderOperatorCases } from './older-operator-cases.ts';

let pipeline: TestPipeline;
let lake: TestLake;
let attempts: Attempts;

numbersToABillionth();

/** Every sample payload that can be summarised, with the rows of it that are rejected. */
const samples = {
  'nise-small': 0,
  'nise-full_day1': 0,
  'nise-partial_12h_day1': 0,
  'nise-no_node_labels': 0,
  'nise-malformed': 4,
  'nise-bad_interval_start': 5,
  'operator-sample': 0,
};

/** Sample payloads, made by hand, and of two manifests that share a day: of the older some hours count. */
beforeAll(async () => {
  pipeline = await createTestPipeline();
  const folder = await createArchiveFolder();
  const send = async (payload: Payload, cluster_id: string, rejectedRowCount = 0) => {
    const archive = await folder.pack(withManifest(payload, { cluster_id }));
    expect(await pipeline.ingest(archive)).toMatchObject({ outcome: 'completed', rejectedRowCount });
  };
  const clusters = [...Object.keys(samples), 'hand-made', 'generations', 'older-operator'];
  for (const clusterId of clusters) await pipeline.addSource(clusterId);
  for (const [name, rejectedRowCount] of Object.entries(samples))
    await send(await readPayload(name), name, rejectedRowCount);
  await send(buildPayload(handMadeCases), 'hand-made');
  await send(buildPayload(olderOperatorCases), 'older-operator');
  const first = rowsBetween(handMadeCases, '2026-10-30 00:00', '2026-10-31 12:00');
  const second = rowsBetween(handMadeCases, '2026-10-31 05:00', '2026-11-02 00:00');
  await send(buildPayload(first, { filesPerKind: 2 }), 'generations');
  await send(buildPayload(second, { shuffleSeed: 7 }), 'generations');
  lake = await createLake();
  attempts = await relationsFromTrino(lake, {
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

test('queries of a customer carry its schema in their source, so that resource groups can tell customers apart', async () => {
  const ofRelations = await lake.client.run(
    `select distinct source from system.runtime.queries where query like 'with %' and source like 'ocp-pipeline%'`,
  );
  expect(ofRelations.flat()).toContain(`ocp-pipeline.${lakeSchema(pipeline.database)}`);
});
