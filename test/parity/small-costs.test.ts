import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import type { recalculateCosts } from '../../workflows/index.ts';
import { tenantRows } from '../costs/stored-rows.ts';
import { metadataProblems, sumOf, violations } from '../focus/checks.ts';
import { documentedFormulas, documentedStatements, duckDbAnswers, sumIfs } from '../focus/documented.ts';
import { csvRows, exportTo, parquetRows, scratchDirectory } from '../focus/exported.ts';
import { wrongAnswers } from '../support/api-call.ts';
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

test('every answer that Koku gave over its tables is that of the read API over ours', async () => {
  expect(await wrongAnswers(pipeline.database, 'small_cm', { ties: true })).toEqual([]);
});

test('the FOCUS export holds the costs of the month, to the last digit', async () => {
  const path = join(await scratchDirectory(), 'month.csv');
  const { totals } = await exportTo(pipeline.database, path, '2026-10');
  const rows = await csvRows(path);
  // 849 rows of the daily summary: 150 of usage, 150 of distribution, the others of one to five prices each.
  expect(rows).toHaveLength(1_293);
  expect(totals.counts).toEqual(
    new Map([
      ['rate', 1_143],
      ['distribution', 150],
    ]),
  );
  expect(violations(rows)).toEqual([]);
  expect(await metadataProblems(path, rows)).toEqual([]);
  const [summary] = await tenantRows<{ total: string; projects: Record<string, string> }>(
    pipeline.database,
    `select
         (
             select sum(cost_model_cpu_cost + cost_model_memory_cost + cost_model_volume_cost)::text
             from reporting_ocp_cost_summary_p
         ) as total,
         (
             select jsonb_object_agg(namespace, cost::text)
             from (
                 select
                     namespace,
                     sum(
                         coalesce(cost_model_cpu_cost, 0) + coalesce(cost_model_memory_cost, 0)
                         + coalesce(cost_model_volume_cost, 0) + coalesce(distributed_cost, 0)
                     ) as cost
                 from reporting_ocp_cost_summary_by_project_p
                 group by namespace
             ) as project
         ) as projects`,
  );
  expect(sumOf(rows.filter((row) => row['x_CostLayer'] === 'rate'))).toBe(summary?.total);
  for (const [project, cost] of Object.entries(summary?.projects ?? {}))
    expect(sumOf(rows.filter((row) => row['x_Namespace'] === project)), project).toBe(cost);
  // What the tables that Koku wrote add up to; it computes in binary floating point.
  expect(Number(sumOf(rows))).toBeCloseTo(5121.226584005376, 9);
  const parquet = path.replace('.csv', '.parquet');
  await exportTo(pipeline.database, parquet, '2026-10');
  expect(await parquetRows(parquet)).toEqual(rows);
});

test('DuckDB answers the statements of docs/focus.md as the page says, and sums of CSV as of Parquet', async () => {
  const directory = await scratchDirectory();
  for (const format of ['csv', 'parquet'])
    await exportTo(pipeline.database, join(directory, `october.${format}`), '2026-10');
  const documented = await documentedStatements();
  expect(documented).toHaveLength(4);
  const there = (statement: string) => statement.replaceAll(`'october.`, `'${directory}/october.`);
  const answers = await duckDbAnswers(documented.map(({ statement }) => there(statement)));
  expect(answers).toEqual(documented.map(({ shown }) => shown));
  const [, read = ''] = /`(read_csv\('october[^`]+\))`/.exec(await readFile('docs/focus.md', 'utf8')) ?? [];
  const [csv, parquet] = await duckDbAnswers(
    [read, `'october.parquet'`].map((from) => there(`select count(*), sum(BilledCost) from ${from}`)),
  );
  expect(csv).toEqual(parquet);
  expect(csv?.[1]?.[0]).toBe('1293');
});

test('the formulas of docs/focus.md for spreadsheets are about the columns they name, and sum up to what it shows', async () => {
  const path = join(await scratchDirectory(), 'october.csv');
  await exportTo(pipeline.database, path, '2026-10');
  const [head = ''] = (await readFile(path, 'utf8')).split('\n', 1);
  const rows = await csvRows(path);
  const documented = await documentedFormulas();
  expect(documented).toHaveLength(3);
  for (const { formula, columns, shown } of documented) {
    const computed = sumIfs(formula, head.split(','), rows);
    expect(computed.columns, formula).toEqual(columns);
    // With the digits that the page shows.
    expect(Number(computed.sum).toFixed(shown.split('.')[1]?.length ?? 0), formula).toBe(shown);
  }
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
