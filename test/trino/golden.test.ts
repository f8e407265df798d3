import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys, goldenTables } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';
import { choose, rebuild } from './customer.ts';
import { trinoEnvironment } from './lake.ts';

const clusterId = 'my-ocp-cluster-small';
let pipeline: TestPipeline;
let sourceUuid: string;

beforeAll(async () => {
  pipeline = await createTestPipeline({
    ...(await trinoEnvironment()),
    OCP_RULES: 'koku',
    OCP_POSTGRES_PIPELINE: 'false',
  });
  sourceUuid = await pipeline.addSource(clusterId, 'small-onprem');
  await setTagKeys(pipeline.database.pool, pipeline.database.schema, await goldenEnabledKeys('small'), true);
  const result = await pipeline.ingest(payloadPath('nise-small'));
  expect(result).toMatchObject({
    outcome: 'completed',
    fileCount: 6,
    rejectedRowCount: 0,
    daysSummarised: 3,
    summaryRowCount: 150,
  });
});

test.for(goldenTables)('%s equals what Koku computes from the same payload', async (table) => {
  await expectGolden(pipeline.database, 'small', table);
});

test('no line item is in PostgreSQL, and nothing waits there', async () => {
  const { pool, schema } = pipeline.database;
  const { rows } = await pool.query<{ staged: number; waiting: number; files: number; engines: string[] }>(
    `select
         (select count(*) from ${schema}.reporting_ocpusagelineitem_pod_staging) as staged,
         (select count(*) from ${schema}.ocp_pod_day_waiting) as waiting,
         (select count(*) from ${schema}.ocp_lake_piece) as files,
         (select array_agg(engine) from ${schema}.ocp_source_month) as engines`,
  );
  // Pods, claims, nodes, namespaces, machines and GPUs of three days.
  expect(rows).toEqual([{ staged: 0, waiting: 0, files: 18, engines: ['trino'] }]);
});

async function rebuiltWith(...settings: [string, string][]): Promise<Tables> {
  await choose(pipeline, ...settings);
  await rebuild(pipeline, sourceUuid);
  return snapshotTables(pipeline.database, sourceUuid);
}

describe('with a cost model', () => {
  beforeAll(async () => {
    const { pool, schema } = pipeline.database;
    const text = await readFile(new URL('../fixtures/cost-model-small_cm.json', import.meta.url), 'utf8');
    await applyModel(pool, schema, readCostModel(text, 'json', 'small_cm'), {
      source: 'small_cm',
      sources: [{ sourceUuid, clusterId }],
      move: false,
    });
    await rebuild(pipeline, sourceUuid);
  });

  test.for(goldenTables)('%s equals what Koku computes with it', async (table) => {
    await expectGolden(pipeline.database, 'small_cm', table);
  });

  test('under the design rules all tables are those of PostgreSQL', async () => {
    const koku = await snapshotTables(pipeline.database, sourceUuid);
    const found = await rebuiltWith(['rules', 'design']);
    const expected = await rebuiltWith(['engine', 'postgres']);
    expectSameTables(found, expected);
    // The rules matter to this payload.
    expect(found).not.toEqual(koku);
  });
});
