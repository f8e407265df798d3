import { beforeEach, describe, expect, test } from 'vitest';
import { usageDay } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import { rebuildReportTables } from '../../summary/report-tables.ts';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { addCostRow } from './cost-row.ts';

/*
 * Data transfer of the cloud bill, gigabytes and cost:
 *
 *   day 1   w1   in   10   1.5   i-1
 *   day 1   w1   in    5   0.5   i-2
 *   day 1   w2   in    1   0.25  NULL
 *   day 1   w1   out   7   3     i-1
 *   day 2   w1   out   2   4     i-1
 */
const day1 = '2026-10-01';
const day2 = '2026-10-02';
const dailySummary = 'reporting_ocpusagelineitem_daily_summary';

let source: StagedSource;

async function addRow(day: string, columns: Record<string, unknown>): Promise<void> {
  await addCostRow(source, day, {
    data_source: 'Pod',
    namespace: 'Network unattributed',
    raw_currency: 'USD',
    ...columns,
  });
}

async function refresh(...days: string[]): Promise<void> {
  const { database, sourceUuid } = source;
  await inTenantTransaction(database.pool, database.schema, (client) =>
    rebuildReportTables(
      {
        client,
        sourceUuid,
        monthStart: usageDay(day1),
        today: usageDay(day2),
        rebuild: (_table, statement) => statement(),
      },
      days.map(usageDay),
    ),
  );
}

async function rows(table: string, key: string): Promise<unknown[][]> {
  const found = await source.query<{ row: unknown[] }>(
    `select jsonb_build_array(usage_start, ${key}, infrastructure_data_in_gigabytes::float8,
         infrastructure_data_out_gigabytes::float8, infrastructure_raw_cost::float8, resource_ids, resource_count) as row
     from reporting_ocp_${table}_p
     where source_uuid = $1 and usage_end = usage_start and cluster_id = $2 and cluster_alias = 'alias'
         and data_source = 'Pod' and raw_currency = 'USD' and cost_model_cpu_cost is null
     order by usage_start, ${key}, infrastructure_data_out_gigabytes`,
    [source.sourceUuid, source.clusterId],
  );
  return found.map(({ row }) => row);
}

beforeEach(async () => {
  source = await createStagedSource(await createTestDatabase(), '2026-10');
  const incoming = (gigabytes: number, cost: number) => ({
    infrastructure_data_in_gigabytes: gigabytes,
    infrastructure_raw_cost: cost,
  });
  const outgoing = (gigabytes: number, cost: number) => ({
    infrastructure_data_out_gigabytes: gigabytes,
    infrastructure_raw_cost: cost,
  });
  await addRow(day1, { node: 'w1', resource_id: 'i-1', ...incoming(10, 1.5) });
  await addRow(day1, { node: 'w1', resource_id: 'i-2', ...incoming(5, 0.5) });
  await addRow(day1, { node: 'w2', resource_id: null, ...incoming(1, 0.25) });
  await addRow(day1, { node: 'w1', resource_id: 'i-1', ...outgoing(7, 3) });
  await addRow(day2, { node: 'w1', resource_id: 'i-1', ...outgoing(2, 4) });
  // None of these is network transfer.
  await addRow(day1, { node: 'w1', namespace: 'shop', ...incoming(99, 99) });
  await addRow(day1, { node: 'w1', data_source: 'Storage', ...incoming(99, 99) });
  await addRow(day1, { node: 'w1', infrastructure_raw_cost: 99 });
});

describe('network tables', () => {
  test('incoming and outgoing transfer are rows of their own with the other direction 0', async () => {
    const expected = [
      [day1, null, 16, 0, 2.25, ['i-1', 'i-2', null], 2],
      [day1, null, 0, 7, 3, ['i-1'], 1],
      [day2, null, 0, 2, 4, ['i-1'], 1],
    ];
    await refresh(day1, day2);
    expect(await rows('network_summary', 'null::text')).toEqual(expected);
    await refresh(day1, day2);
    expect(await rows('network_summary', 'null::text')).toEqual(expected);
  });

  test('by node, each node has its own rows', async () => {
    const expected = [
      [day1, 'w1', 15, 0, 2, ['i-1', 'i-2'], 2],
      [day1, 'w1', 0, 7, 3, ['i-1'], 1],
      [day1, 'w2', 1, 0, 0.25, [null], 0],
      [day2, 'w1', 0, 2, 4, ['i-1'], 1],
    ];
    await refresh(day1, day2);
    expect(await rows('network_summary_by_node', 'node')).toEqual(expected);
    await refresh(day1, day2);
    expect(await rows('network_summary_by_node', 'node')).toEqual(expected);
  });

  test('by project, all rows are of the reserved namespace', async () => {
    await refresh(day1, day2);
    await refresh(day1, day2);
    expect(await rows('network_summary_by_project', 'namespace')).toEqual([
      [day1, 'Network unattributed', 16, 0, 2.25, ['i-1', 'i-2', null], 2],
      [day1, 'Network unattributed', 0, 7, 3, ['i-1'], 1],
      [day2, 'Network unattributed', 0, 2, 4, ['i-1'], 1],
    ]);
  });

  test('rate types are apart and days that are not asked for stay', async () => {
    await refresh(day1, day2);
    await source.query(`delete from ${dailySummary} where source_uuid = $1`, [source.sourceUuid]);
    await addRow(day1, { node: 'w1', infrastructure_data_in_gigabytes: 1 });
    await addRow(day1, {
      node: 'w1',
      infrastructure_data_in_gigabytes: 2,
      cost_model_rate_type: 'Supplementary',
    });
    await refresh(day1);
    expect(await rows('network_summary', 'cost_model_rate_type')).toEqual([
      [day1, 'Supplementary', 2, 0, null, [null], 0],
      [day1, null, 1, 0, null, [null], 0],
      [day2, null, 0, 2, 4, ['i-1'], 1],
    ]);
  });
});

test('the cost breakdown is emptied for the given days and stays for others', async () => {
  for (const day of [day1, day2])
    await source.query(
      `insert into reporting_ocp_cost_breakdown_p (id, usage_start, usage_end, cluster_id, custom_name, metric_type, path, depth,
           parent_path, top_category, breakdown_category, source_uuid)
       values (gen_random_uuid(), $1, $1, $2, 'n', 'm', 'total_cost', 1, '', 'total', 'raw_cost', $3)`,
      [day, source.clusterId, source.sourceUuid],
    );
  for (const attempt of [1, 2]) {
    await source.query(loadSql('summary/report-tables/cost_breakdown.sql'), [source.sourceUuid, [day1]]);
    const left = await source.query(
      'select usage_start from reporting_ocp_cost_breakdown_p where source_uuid = $1',
      [source.sourceUuid],
    );
    expect(left, `attempt ${attempt}`).toEqual([{ usage_start: day2 }]);
  }
});
