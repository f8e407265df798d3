import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import type { recalculateCosts } from '../../workflows/index.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys, goldenTables } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

const month = billingMonth('2026-10');
const clusterId = 'my-ocp-cluster-small';

let pipeline: TestPipeline;
let sourceUuid: string;

beforeAll(async () => {
  pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
  const { pool, schema } = pipeline.database;
  sourceUuid = await pipeline.addSource(clusterId, 'small-onprem');
  await setTagKeys(pool, schema, await goldenEnabledKeys('small_cm'), true);
  const text = await readFile(new URL('../fixtures/cost-model-small_cm.json', import.meta.url), 'utf8');
  await applyModel(pool, schema, readCostModel(text, 'json', 'small_cm'), {
    source: 'small_cm',
    sources: [{ sourceUuid, clusterId }],
    move: false,
  });
  expect(await pipeline.ingest(payloadPath('nise-small'))).toMatchObject({
    outcome: 'completed',
    summaryRowCount: 150,
    // 849 rows less 150 of usage.
    costRowCount: 699,
    validationWarningCount: 0,
  });
});

test.for(goldenTables)('%s equals what Koku computes with the cost model', async (table) => {
  await expectGolden(pipeline.database, 'small_cm', table);
});

test('priced again it is the same', async () => {
  const { pool, schema, orgId } = pipeline.database;
  await inTenantTransaction(pool, schema, (client) => client.query('update ocp_day set cost_version = null'));
  const again = await pipeline.client.workflow.execute<typeof recalculateCosts>('recalculateCosts', {
    workflowId: 'again',
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month }],
  });
  expect(again).toEqual({ month, daysPriced: 3, costRowCount: 699 });
  for (const table of goldenTables) await expectGolden(pipeline.database, 'small_cm', table);
});
