import { beforeAll, expect, test } from 'vitest';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys, goldenTables } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { trinoEnvironment } from './lake.ts';

let pipeline: TestPipeline;

beforeAll(async () => {
  pipeline = await createTestPipeline({
    ...(await trinoEnvironment()),
    OCP_RULES: 'koku',
    OCP_POSTGRES_PIPELINE: 'false',
  });
  await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
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
