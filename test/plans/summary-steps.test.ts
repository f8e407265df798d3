import { beforeAll, describe, expect, test } from 'vitest';
import type { ActivityDependencies } from '../../platform/runtime/dependencies.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { dependenciesOf } from '../summary/labelled-days.ts';
import { describeRead, explainingPool } from './explained.ts';
import type { ExplainingPool, TableRead } from './explained.ts';
import {
  createYearOfClusters,
  podCount,
  presentMonth,
  rowsOfDay,
  stageDay,
  summarySteps,
} from './year-of-clusters.ts';

/*
 * Four clusters in October, one each in August and September, eight days each; then one of October gets day 9. What a
 * step reads of a table that clusters share is compared with what the day (or for tables of a month, the month) of this
 * one cluster holds: a scan of the other clusters' rows, or of another month, is seen by the rows it looked at,
 * whatever node of the plan did it.
 */
const daysBefore = 8;
const cluster = 5;

/** Rows per look that the cluster itself can account for; a look at more has read other clusters or days. */
const maxRows: readonly (readonly [table: RegExp, rows: number])[] = [
  [/^reporting_ocpusagelineitem_pod_staging_2026_10$/, rowsOfDay.pod],
  [/^reporting_ocpusagelineitem_storage_staging_2026_10$/, rowsOfDay.storage],
  [/^reporting_ocpusagelineitem_node_labels_staging_2026_10$/, rowsOfDay.node_labels],
  [/^reporting_ocpusagelineitem_namespace_labels_staging_2026_10$/, rowsOfDay.namespace_labels],
  // the VM table reads the month
  [/^ocp_(pod|claim)_day_2026_10$/, (daysBefore + 1) * 2 * podCount],
  [/^ocp_.*_day_2026_10$/, (daysBefore + 1) * podCount],
  // pods, volumes, nodes of a day; the VM table reads the month
  [/^reporting_ocpusagelineitem_daily_summary_2026_10$/, (daysBefore + 1) * (2 * podCount + 8)],
  // by key: at most the sets of pods, volumes, nodes and namespaces
  [/^ocp_label_set$/, 3 * podCount],
  [/^ocp_label_days$/, 2 * podCount],
  [/^reporting_ocpusagepodlabel_summary$/, 4 * podCount],
  [/^reporting_ocpstoragevolumelabel_summary$/, 4 * podCount],
  // values: of one key and value at a time
  [/^reporting_ocptags_values$/, 4 * podCount],
  [/^ocp_piece$/, 2 * 4 * (daysBefore + 1)],
  [/^reporting_ocp_.*_p_2026_10$/, (daysBefore + 1) * podCount],
];

const ofAnotherMonth = /_2026_0[89]$/;

let database: TestDatabase;
let source: StagedSource;
let explaining: ExplainingPool;
let deps: ActivityDependencies;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await createYearOfClusters(database, daysBefore);
  await stageDay(source, presentMonth, daysBefore + 1, cluster);
  explaining = explainingPool(database.url);
  deps = { ...dependenciesOf(database), pool: explaining.pool };
});

/** Reads of other months, and of more rows than the cluster has. */
function excessive(reads: readonly TableRead[]): string[] {
  return reads
    .filter(({ table, rowsRead }) => {
      const limit = maxRows.find(([pattern]) => pattern.test(table))?.[1] ?? Infinity;
      return ofAnotherMonth.test(table) || rowsRead > limit;
    })
    .map(describeRead);
}

/** Make day 9 of the cluster differ. */
async function changeDay(assignment: string): Promise<void> {
  await database.pool.query(
    `update ${database.schema}.ocp_day set ${assignment} where source_uuid = $1 and usage_day = $2`,
    [source.sourceUuid, usageDay('2026-10-09')],
  );
}

async function readsOf(step: keyof typeof summarySteps): Promise<TableRead[]> {
  const input = { schema: database.schema, sourceUuid: source.sourceUuid, month: presentMonth };
  await summarySteps[step](deps, input);
  return explaining.takeReads();
}

describe('one more day of a cluster', () => {
  test('is aggregated from its own rows of its own day', async () => {
    const reads = await readsOf('aggregateDays');
    expect(excessive(reads)).toEqual([]);
    const staged = reads.filter(({ table }) => table.endsWith('_staging_2026_10'));
    expect(staged.map(({ table }) => table)).toEqual(
      expect.arrayContaining([
        'reporting_ocpusagelineitem_pod_staging_2026_10',
        'reporting_ocpusagelineitem_storage_staging_2026_10',
        'reporting_ocpusagelineitem_node_labels_staging_2026_10',
        'reporting_ocpusagelineitem_namespace_labels_staging_2026_10',
      ]),
    );
    expect(
      staged.filter(({ indexCondition }) => !indexCondition.includes('piece_id')).map(describeRead),
    ).toEqual([]);
  });

  test('reads the pod rows twice: for the sums, and for the capacity of each hour', async () => {
    await changeDay(`relations_hash = null`);
    const reads = await readsOf('aggregateDays');
    const pods = reads.filter(({ table }) => table === 'reporting_ocpusagelineitem_pod_staging_2026_10');
    expect(pods.map(({ rowsRead }) => rowsRead)).toEqual([rowsOfDay.pod, rowsOfDay.pod]);
  });

  test('is summarised with other settings without a look at a line item', async () => {
    await changeDay(`settings_hash = 'other'`);
    const reads = await readsOf('aggregateDays');
    expect(reads.filter(({ table }) => table.includes('_staging'))).toEqual([]);
    expect(reads.filter(({ table }) => table === 'ocp_pod_day_2026_10')).not.toEqual([]);
    expect(excessive(reads)).toEqual([]);
  });

  test('brings labels and tag values up to date without reading those of other clusters and months', async () => {
    const reads = await readsOf('applyTagMapping');
    expect(excessive(reads)).toEqual([]);
    expect(reads.filter(({ table }) => table === 'ocp_label_days')).not.toEqual([]);
  });

  test('is brought into the report tables from its own rows', async () => {
    const reads = await readsOf('applyCostModel');
    expect(excessive(reads)).toEqual([]);
    expect(
      reads.filter(({ table }) => table === 'reporting_ocp_pod_summary_by_project_p_2026_10'),
    ).not.toEqual([]);
  });

  test('is validated against its own rows', async () => {
    const reads = await readsOf('validateDays');
    expect(excessive(reads)).toEqual([]);
    expect(reads.filter(({ table }) => table.includes('_staging'))).toEqual([]);
    expect(reads.filter(({ table }) => table === 'ocp_pod_day_2026_10')).not.toEqual([]);
  });
});

describe('an index that is missing is seen', () => {
  /** Run a step with day 9 to do again, while an index is gone. */
  async function readsWithout(index: string, step: keyof typeof summarySteps): Promise<string[]> {
    const { schema, pool } = database;
    const { rows } = await pool.query<{ definition: string }>(
      `select pg_get_indexdef(to_regclass($1)) as definition`,
      [`${schema}.${index}`],
    );
    await pool.query(`drop index ${schema}.${index}`);
    try {
      const settings = step === 'aggregateDays' ? `, relations_hash = null` : '';
      await pool.query(
        `update ${schema}.ocp_day set tags_version = null, cost_version = null, validated_version = null${settings}
         where source_uuid = $1 and usage_day = '2026-10-09'`,
        [source.sourceUuid],
      );
      return excessive(await readsOf(step));
    } finally {
      await pool.query(rows[0]?.definition ?? '');
    }
  }

  test('by the rows of staging that aggregation looks at', async () => {
    const index = 'reporting_ocpusagelineitem_pod_staging_piece_idx';
    expect(await readsWithout(index, 'aggregateDays')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/Seq Scan of reporting_ocpusagelineitem_pod_staging_2026_10/),
      ]),
    );
  });

  test('by the rows of the daily relations that validation looks at', async () => {
    expect(await readsWithout('ocp_pod_day_source_day_idx', 'validateDays')).toEqual(
      expect.arrayContaining([expect.stringMatching(/of ocp_pod_day_2026_10/)]),
    );
  });

  test('by the rows of the daily summary that report tables look at', async () => {
    const index = 'reporting_ocpusagelineitem_daily_summary_source_day_idx';
    expect(await readsWithout(index, 'applyCostModel')).toEqual(
      expect.arrayContaining([expect.stringMatching(/of reporting_ocpusagelineitem_daily_summary_2026_10/)]),
    );
  });

  test('by the pieces of other clusters', async () => {
    expect(await readsWithout('ocp_piece_source_day', 'aggregateDays')).toEqual(
      expect.arrayContaining([expect.stringMatching(/of ocp_piece/)]),
    );
  });
});
