import { beforeAll, expect, test } from 'vitest';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
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

test.for([
  'reporting_ocpusagelineitem_daily_summary',
  'reporting_ocp_cost_summary_p',
  'reporting_ocp_cost_summary_by_node_p',
  'reporting_ocp_cost_summary_by_project_p',
  'reporting_ocp_pod_summary_p',
  'reporting_ocp_pod_summary_by_node_p',
  'reporting_ocp_pod_summary_by_project_p',
  'reporting_ocp_volume_summary_p',
  'reporting_ocp_volume_summary_by_project_p',
  'reporting_ocp_gpu_summary_p',
  'reporting_ocp_vm_summary_p',
  'reporting_ocpusagepodlabel_summary',
  'reporting_ocpstoragevolumelabel_summary',
  'reporting_ocptags_values',
  'reporting_ocp_clusters',
  'reporting_ocp_nodes',
  'reporting_ocp_projects',
  'reporting_ocp_pvcs',
  'reporting_ocp_cost_category',
  'reporting_ocp_cost_category_namespace',
  'reporting_ocpusagereportperiod',
  'reporting_enabledtagkeys',
])('%s equals what Koku computes from the same payload', async (table) => {
  await expectGolden(pipeline.database, 'small', table);
});
