import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mapTags, unmapTags } from '../../summary/tag-mapping.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { Labels, StagedSource } from '../support/staging-fixture.ts';
import { addSummaryRow, applyTags, labelSummary, month, rebuildDay, usageLabels } from './labelled-days.ts';

const [day1, day2] = ['2026-10-01', '2026-10-02'];

let database: TestDatabase;
let source: StagedSource;

describe('tag mapping', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  beforeEach(async () => {
    await database.pool.query(`truncate ${database.schema}.reporting_tagmapping`);
    source = await createStagedSource(database, month);
    await source.enableKeys('app', 'application', 'appl', 'team', 'squad', 'zone');
  });

  const map = (parent: string, ...children: string[]) =>
    mapTags(database.pool, database.schema, parent, children);

  /**
   * Label maps of one pod row per given map after mapping, and again after a second, forced mapping of the same rows.
   */
  async function mapped(...labelMaps: Labels[]): Promise<Labels[]> {
    const namespaces = labelMaps.map((_, index) => `ns${index}`);
    await rebuildDay(
      source,
      day1,
      labelMaps.map((labels, index) => ({ namespace: namespaces[index] ?? '', node: 'w1', labels })),
    );
    await applyTags(database, source.sourceUuid);
    const once = await usageLabels(source, 'Pod');
    await source.query('update ocp_day set tags_version = null where source_uuid = $1', [source.sourceUuid]);
    expect(await applyTags(database, source.sourceUuid)).toEqual({ outcome: 'done', dayCount: 1 });
    expect(await usageLabels(source, 'Pod')).toEqual(once);
    return once;
  }

  test('a child without its parent is renamed to the parent', async () => {
    await map('app', 'application');
    expect(await mapped({ application: 'web', zone: 'a' })).toEqual([{ app: 'web', zone: 'a' }]);
  });

  test('a child beside its parent is dropped and the value of the parent stays', async () => {
    await map('app', 'application');
    expect(await mapped({ app: 'shop', application: 'web' })).toEqual([{ app: 'shop' }]);
  });

  test('rows without a child stay as they are', async () => {
    await map('app', 'application');
    expect(await mapped({ app: 'shop', zone: 'a' }, {})).toEqual([{ app: 'shop', zone: 'a' }, {}]);
  });

  test('each child is decided by its own parent: a pair elsewhere in the row does not drop it', async () => {
    // Koku drops squad here because app and application are both present, and the row loses its team.
    await map('app', 'application');
    await map('team', 'squad');
    expect(await mapped({ app: 'shop', application: 'web', squad: 'blue' })).toEqual([
      { app: 'shop', team: 'blue' },
    ]);
  });

  test('of two children of one absent parent the greater key wins', async () => {
    await map('app', 'application', 'appl');
    expect(await mapped({ appl: 'first', application: 'last' }, { appl: 'only' })).toEqual([
      { app: 'last' },
      { app: 'only' },
    ]);
  });

  test('of two children beside their parent both are dropped', async () => {
    await map('app', 'application', 'appl');
    expect(await mapped({ app: 'shop', appl: 'a', application: 'b' })).toEqual([{ app: 'shop' }]);
  });

  test('volume labels are mapped like pod labels, also without a node, and all labels follow', async () => {
    await map('app', 'application');
    await rebuildDay(source, day1, [
      { source: 'Storage', namespace: 'ns0', node: null, labels: { application: 'store' } },
      { source: 'Storage', namespace: 'ns1', node: 'w1', labels: { app: 'x', application: 'y' } },
      { namespace: 'ns2', node: 'w1', labels: { application: 'web' } },
    ]);
    await applyTags(database, source.sourceUuid);
    expect(await usageLabels(source, 'Storage')).toEqual([{ app: 'store' }, { app: 'x' }]);
    const rows = await source.query(
      `select pod_labels, volume_labels, all_labels from reporting_ocpusagelineitem_daily_summary
       where source_uuid = $1 order by namespace`,
      [source.sourceUuid],
    );
    expect(rows).toEqual([
      { pod_labels: null, volume_labels: { app: 'store' }, all_labels: { app: 'store' } },
      { pod_labels: null, volume_labels: { app: 'x' }, all_labels: { app: 'x' } },
      { pod_labels: { app: 'web' }, volume_labels: null, all_labels: { app: 'web' } },
    ]);
  });

  test('label summaries and tag values keep the child keys, also of days that were mapped before', async () => {
    await map('app', 'application');
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { application: 'web' } }]);
    await applyTags(database, source.sourceUuid);
    await rebuildDay(source, day2, [{ namespace: 'shop', node: 'w1', labels: { application: 'api' } }]);
    expect(await applyTags(database, source.sourceUuid)).toEqual({ outcome: 'done', dayCount: 1 });
    expect(await usageLabels(source, 'Pod')).toEqual([{ app: 'web' }, { app: 'api' }]);
    expect(await labelSummary(source, 'pod')).toEqual(['application shop w1: api,web']);
    const values = await source.query(
      'select key, value from reporting_ocptags_values where $1 = any(cluster_ids) order by value',
      [source.clusterId],
    );
    expect(values).toEqual([
      { key: 'application', value: 'api' },
      { key: 'application', value: 'web' },
    ]);
  });

  test('only days that are behind are mapped: others follow when they are rebuilt', async () => {
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { application: 'web' } }]);
    await applyTags(database, source.sourceUuid);
    await map('app', 'application');
    expect(await applyTags(database, source.sourceUuid)).toEqual({ outcome: 'done', dayCount: 0 });
    expect(await usageLabels(source, 'Pod')).toEqual([{ application: 'web' }]);
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { application: 'web' } }]);
    await applyTags(database, source.sourceUuid);
    expect(await usageLabels(source, 'Pod')).toEqual([{ app: 'web' }]);
  });

  test('later steps that another run did before the mapping are behind again', async () => {
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { app: 'web' } }]);
    await rebuildDay(source, day2, []);
    await applyTags(database, source.sourceUuid);
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { app: 'api' } }]);
    await source.query('update ocp_day set cost_version = version where source_uuid = $1', [
      source.sourceUuid,
    ]);
    await applyTags(database, source.sourceUuid);
    const days = await source.query(
      `select version, tags_version, cost_version from ocp_day where source_uuid = $1 order by usage_day`,
      [source.sourceUuid],
    );
    expect(days).toEqual([
      { version: 2, tags_version: 2, cost_version: null },
      { version: 1, tags_version: 1, cost_version: 1 },
    ]);
  });

  test('a mapping that was removed is not applied to days rebuilt afterwards', async () => {
    await map('app', 'application');
    expect(await mapped({ application: 'web' })).toEqual([{ app: 'web' }]);
    await unmapTags(database.pool, database.schema, ['application']);
    expect(await mapped({ application: 'web' })).toEqual([{ application: 'web' }]);
  });

  test('a child that was disabled after it was mapped is not mapped', async () => {
    await map('app', 'application');
    await source.query(`update reporting_enabledtagkeys set enabled = false where key = 'application'`);
    expect(await mapped({ application: 'web' })).toEqual([{ application: 'web' }]);
  });

  test('cost rows, cloud cost and other sources keep their labels', async () => {
    await map('app', 'application');
    const other = await createStagedSource(database, month);
    const row = { namespace: 'shop', node: 'w1', labels: { application: 'web' } };
    await rebuildDay(other, day1, [row]);
    await rebuildDay(source, day1, [row, { ...row, namespace: 'cloud' }]);
    await addSummaryRow(source, day1, row, 'Supplementary');
    await source.query(
      `update reporting_ocpusagelineitem_daily_summary set infrastructure_raw_cost = 5
       where source_uuid = $1 and namespace = 'cloud'`,
      [source.sourceUuid],
    );
    await applyTags(database, source.sourceUuid);
    const rows = await source.query<{ what: string; labels: Labels }>(
      `select case when source_uuid <> $1 then 'other' else coalesce(cost_model_rate_type, namespace) end as what, all_labels as labels
       from reporting_ocpusagelineitem_daily_summary where source_uuid in ($1, $2) order by what`,
      [source.sourceUuid, other.sourceUuid],
    );
    expect(rows).toEqual([
      { what: 'Supplementary', labels: { application: 'web' } },
      { what: 'cloud', labels: { application: 'web' } },
      { what: 'other', labels: { application: 'web' } },
      { what: 'shop', labels: { app: 'web' } },
    ]);
  });
});
