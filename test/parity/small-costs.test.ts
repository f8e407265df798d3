import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { applyCosts } from '../../costs/apply-costs.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { tablesFilledBy } from '../../domain/reports/summary-tables.ts';
import type { SummaryTable } from '../../domain/reports/summary-tables.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

const month = '2026-10-01';
const days = ['2026-10-01', '2026-10-02', '2026-10-03'].map(usageDay);
const clusterId = 'my-ocp-cluster-small';

let pipeline: TestPipeline;
let sourceUuid: string;

/** Costs of the three days, and the tables that reports are read from. @returns cost rows */
async function price(): Promise<number> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => {
    const { rowCount } = await applyCosts(client, { sourceUuid, days, isMonthOver: true });
    const fileOf = (table: SummaryTable) =>
      loadSql(`summary/report-tables/${table.replace(/^reporting_ocp_(\w+)_p$/, '$1')}.sql`);
    for (const table of tablesFilledBy('days')) await client.query(fileOf(table), [sourceUuid, days]);
    for (const table of tablesFilledBy('month')) await client.query(fileOf(table), [sourceUuid, month]);
    return rowCount;
  });
}

beforeAll(async () => {
  pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
  const { pool, schema } = pipeline.database;
  sourceUuid = await pipeline.addSource(clusterId, 'small-onprem');
  await setTagKeys(pool, schema, await goldenEnabledKeys('small_cm'), true);
  expect(await pipeline.ingest(payloadPath('nise-small'))).toMatchObject({
    outcome: 'completed',
    summaryRowCount: 150,
  });
  const text = await readFile(new URL('../fixtures/cost-model-small_cm.json', import.meta.url), 'utf8');
  await applyModel(pool, schema, readCostModel(text, 'json', 'small_cm'), {
    source: 'small_cm',
    sources: [{ sourceUuid, clusterId }],
    move: false,
  });
  // 849 rows less 150 of usage.
  expect(await price()).toBe(699);
});

const tables = [
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
];

test.for(tables)('%s equals what Koku computes with the cost model', async (table) => {
  await expectGolden(pipeline.database, 'small_cm', table);
});

test('priced again it is the same', async () => {
  expect(await price()).toBe(699);
  for (const table of tables) await expectGolden(pipeline.database, 'small_cm', table);
});
