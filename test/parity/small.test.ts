import { beforeAll, expect, test } from 'vitest';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { wrongAnswers } from '../support/api-call.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys, goldenTables } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

let pipeline: TestPipeline;

beforeAll(async () => {
  pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
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

test('every answer that Koku gave over its tables is that of the read API over ours', async () => {
  expect(await wrongAnswers(pipeline.database, 'small')).toEqual([]);
});
