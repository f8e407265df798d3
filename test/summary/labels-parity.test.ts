import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeAll, expect, test } from 'vitest';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { mapTags } from '../../summary/tag-mapping.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { applyTags, dependenciesOf, month } from './labelled-days.ts';

let pipeline: TestPipeline;
let sourceUuid: string;

const tables = [
  'reporting_ocpusagepodlabel_summary',
  'reporting_ocpstoragevolumelabel_summary',
  'reporting_ocptags_values',
];

beforeAll(async () => {
  pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
  sourceUuid = await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  const { pool, schema } = pipeline.database;
  await setTagKeys(pool, schema, await goldenEnabledKeys('small'), true);
  await pipeline.ingest(payloadPath('nise-small'));
  await applyTags(pipeline.database, sourceUuid);
});

/** Rows of the daily summary that carry a key. */
async function rowsWith(key: string): Promise<number> {
  const { database } = pipeline;
  return inTenantTransaction(database.pool, database.schema, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      `select count(*) as n from reporting_ocpusagelineitem_daily_summary
       where coalesce(pod_labels, volume_labels) ? $1 and all_labels ? $1`,
      [key],
    );
    return rows[0]?.n ?? 0;
  });
}

test.for([...tables, 'reporting_ocpusagelineitem_daily_summary'])(
  '%s equals what Koku computes from the same payload',
  async (table) => {
    await expectGolden(pipeline.database, 'small', table);
  },
);

test('with a tag mapping the days are built again with the parent key, and the label tables keep the child key', async () => {
  const { pool, schema } = pipeline.database;
  const [children, parents] = [await rowsWith('application'), await rowsWith('app')];
  expect(children).toBeGreaterThan(0);
  await mapTags(pool, schema, 'app', ['application']);
  const deps = dependenciesOf(pipeline.database, { OCP_RULES: 'koku' });
  expect(
    await new MockActivityEnvironment().run(() => aggregateDays(deps, { schema, sourceUuid, month })),
  ).toMatchObject({ outcome: 'done', dayCount: 3 });
  expect(await applyTags(pipeline.database, sourceUuid)).toEqual({ outcome: 'done', dayCount: 3 });
  expect(await rowsWith('application')).toBe(0);
  // No row of this payload has both keys: application is a label of pods, app of volumes.
  expect(await rowsWith('app')).toBe(children + parents);
  for (const table of tables) await expectGolden(pipeline.database, 'small', table);
});
