import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { addSummaryRow, applyTags, labelSummary, month, rebuildDay } from './labelled-days.ts';

interface TagValue {
  key: string;
  value: string;
  cluster_ids: string[];
  cluster_aliases: string[];
  namespaces: string[];
  nodes: string[] | null;
}

const [day1, day2, day31] = ['2026-10-01', '2026-10-02', '2026-10-31'];
const tagValuesSql = `select key, value, cluster_ids, cluster_aliases, namespaces, nodes
  from reporting_ocptags_values order by key, value`;

let database: TestDatabase;
let source: StagedSource;

describe('label summaries and tag values', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  beforeEach(async () => {
    await database.pool.query(
      `truncate ${database.schema}.reporting_ocptags_values, ${database.schema}.reporting_ocpusagepodlabel_summary,
           ${database.schema}.reporting_ocpstoragevolumelabel_summary`,
    );
    source = await createStagedSource(database, month);
    await source.enableKeys('app', 'team');
  });

  const apply = (from = source) => applyTags(database, from.sourceUuid);
  const tagValues = () => source.query<TagValue>(tagValuesSql);

  /** All label tables with their surrogate keys: equal when nothing was written. */
  const everything = () =>
    source.query(
      `select 'value' as kind, uuid, key, array[value] as "values", namespaces::text as place from reporting_ocptags_values
       union all select 'pod', uuid, key, "values", concat(namespace, node) from reporting_ocpusagepodlabel_summary
       union all select 'volume', uuid, key, "values", concat(namespace, node) from reporting_ocpstoragevolumelabel_summary
       order by 1, 2`,
    );

  test('values of a key are collected per namespace and node over the days of the month', async () => {
    await rebuildDay(source, day1, [
      { namespace: 'shop', node: 'w1', labels: { app: 'web', team: 'blue' } },
      { namespace: 'shop', node: 'w1', labels: { app: 'db' } },
      { source: 'Storage', namespace: 'shop', node: 'w2', labels: { app: 'store' } },
    ]);
    await rebuildDay(source, day31, [{ namespace: 'shop', node: 'w1', labels: { app: 'api' } }]);
    expect(await apply()).toEqual({ outcome: 'done', dayCount: 2 });
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: api,db,web', 'team shop w1: blue']);
    expect(await labelSummary(source, 'volume')).toEqual(['app shop w2: store']);
  });

  test('a second call finds no day behind, and a rebuild with the same rows writes nothing', async () => {
    const rows = [
      { namespace: 'shop', node: 'w1', labels: { app: 'web' } },
      { source: 'Storage' as const, namespace: 'shop', node: null, labels: { app: 'store' } },
    ];
    await rebuildDay(source, day1, rows);
    await apply();
    const before = await everything();
    expect(before).toHaveLength(4);
    expect(await apply()).toEqual({ outcome: 'done', dayCount: 0 });
    expect(await everything()).toEqual(before);
    await rebuildDay(source, day1, rows);
    expect(await apply()).toEqual({ outcome: 'done', dayCount: 1 });
    expect(await everything()).toEqual(before);
  });

  test('a label that is gone when its only day is rebuilt disappears, on other days it stays', async () => {
    const web = { namespace: 'shop', node: 'w1', labels: { app: 'web', team: 'blue' } };
    await rebuildDay(source, day1, [web]);
    await rebuildDay(source, day2, [{ namespace: 'shop', node: 'w1', labels: { team: 'blue', app: 'db' } }]);
    await apply();
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: {} }]);
    await apply();
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: db', 'team shop w1: blue']);
    expect((await tagValues()).map(({ key, value }) => [key, value])).toEqual([
      ['app', 'db'],
      ['team', 'blue'],
    ]);
    await rebuildDay(source, day2, []);
    await apply();
    expect(await labelSummary(source, 'pod')).toEqual([]);
    expect(await tagValues()).toEqual([]);
    expect(
      await source.query('select 1 from ocp_label_days where source_uuid = $1', [source.sourceUuid]),
    ).toEqual([]);
  });

  test('the order in which days arrive leaves no trace', async () => {
    const rows1 = [{ namespace: 'shop', node: 'w1', labels: { app: 'web' } }];
    const rows2 = [{ namespace: 'shop', node: 'w1', labels: { app: 'db', team: 'blue' } }];
    await rebuildDay(source, day1, rows1);
    await apply();
    await rebuildDay(source, day2, rows2);
    await apply();
    const other = await createStagedSource(database, month);
    await rebuildDay(other, day2, rows2);
    await apply(other);
    await rebuildDay(other, day1, rows1);
    await apply(other);
    expect(await labelSummary(other, 'pod')).toEqual(await labelSummary(source, 'pod'));
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: db,web', 'team shop w1: blue']);
  });

  test('labels of a volume without a node are one row however often they are summarised', async () => {
    const orphan = { source: 'Storage' as const, namespace: 'shop', node: null, labels: { app: 'store' } };
    const blank = { source: 'Storage' as const, namespace: 'shop', node: '', labels: { app: 'blank' } };
    await rebuildDay(source, day1, [orphan, blank]);
    await apply();
    await rebuildDay(source, day1, [orphan, blank]);
    await rebuildDay(source, day2, [orphan]);
    await apply();
    expect(await labelSummary(source, 'volume')).toEqual(['app shop -: store', 'app shop : blank']);
    expect(await tagValues()).toMatchObject([
      { value: 'blank', nodes: [''] },
      { value: 'store', nodes: null },
    ]);
  });

  test('copies of rows without a node that Koku left are removed', async () => {
    const orphan = { source: 'Storage' as const, namespace: 'shop', node: null, labels: { app: 'store' } };
    for (let copy = 0; copy < 3; copy += 1)
      await source.query(
        `insert into reporting_ocpstoragevolumelabel_summary (uuid, key, "values", namespace, report_period_id)
         values (gen_random_uuid(), 'app', '{store}', 'shop', $1)`,
        [source.reportPeriodId],
      );
    await rebuildDay(source, day1, [orphan]);
    await apply();
    expect(await labelSummary(source, 'volume')).toEqual(['app shop -: store']);
  });

  test('a key that is disabled later leaves the label summaries and the tag values', async () => {
    const rows = [{ namespace: 'shop', node: 'w1', labels: { app: 'web', team: 'blue' } }];
    await rebuildDay(source, day1, rows);
    await apply();
    await setTagKeys(database.pool, database.schema, ['team'], false);
    await rebuildDay(source, day1, rows);
    await apply();
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: web']);
    expect((await tagValues()).map((row) => row.key)).toEqual(['app']);
  });

  test('a value of a disabled key goes although only another cluster has it', async () => {
    const other = await createStagedSource(database, month);
    await rebuildDay(other, day1, [{ namespace: 'shop', node: 'w1', labels: { team: 'blue' } }]);
    await apply(other);
    await setTagKeys(database.pool, database.schema, ['team'], false);
    await rebuildDay(source, day1, []);
    await apply();
    expect(await tagValues()).toEqual([]);
  });

  test('tag values unite clusters, pods and volumes, and forget a cluster that no longer has the value', async () => {
    const other = await createStagedSource(database, month);
    await rebuildDay(source, day1, [
      { namespace: 'shop', node: 'w1', labels: { app: 'web' } },
      { source: 'Storage', namespace: 'data', node: 'w2', labels: { app: 'web' } },
    ]);
    await rebuildDay(other, day1, [{ namespace: 'bank', node: 'n1', labels: { app: 'web' } }]);
    await apply();
    await apply(other);
    const clusters = [source.clusterId, other.clusterId].sort();
    const united = [
      {
        key: 'app',
        value: 'web',
        cluster_ids: clusters,
        cluster_aliases: ['alias'],
        namespaces: ['bank', 'data', 'shop'],
        nodes: ['n1', 'w1', 'w2'],
      },
    ];
    expect(await tagValues()).toEqual(united);
    await rebuildDay(source, day2, [{ namespace: 'shop', node: 'w1', labels: { app: 'web' } }]);
    await apply();
    expect(await tagValues()).toEqual(united);
    await rebuildDay(other, day1, []);
    await apply(other);
    expect(await tagValues()).toMatchObject([
      { cluster_ids: [source.clusterId], namespaces: ['data', 'shop'], nodes: ['w1', 'w2'] },
    ]);
  });

  test('clusters that are summarised at the same time all end up in the tag values', async () => {
    const sources = [source];
    while (sources.length < 6) sources.push(await createStagedSource(database, month));
    for (const [index, cluster] of sources.entries())
      await rebuildDay(cluster, day1, [
        { namespace: `ns${index}`, node: 'w1', labels: { app: 'web', team: `team${index}` } },
      ]);
    await Promise.all(sources.map((cluster) => apply(cluster)));
    const [web, ...teams] = await tagValues();
    expect(web?.cluster_ids).toEqual(sources.map((cluster) => cluster.clusterId).sort());
    expect(web?.namespaces).toEqual(['ns0', 'ns1', 'ns2', 'ns3', 'ns4', 'ns5']);
    expect(teams).toHaveLength(6);
  });

  test('a cluster that was renamed has its new alias only', async () => {
    const rows = [{ namespace: 'shop', node: 'w1', labels: { app: 'web' } }];
    await rebuildDay(source, day1, rows);
    await apply();
    await database.pool.query(`update api_provider set name = 'renamed' where uuid = $1`, [
      source.sourceUuid,
    ]);
    await rebuildDay(source, day1, rows);
    await apply();
    expect(await tagValues()).toMatchObject([{ cluster_aliases: ['renamed'] }]);
  });

  test('cost rows bring no labels', async () => {
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { app: 'web' } }]);
    await addSummaryRow(
      source,
      day1,
      { namespace: 'shop', node: 'w9', labels: { app: 'cost' } },
      'Supplementary',
    );
    await apply();
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: web']);
  });

  test('a month that another writer began keeps the values of its days', async () => {
    await addSummaryRow(source, day1, { namespace: 'shop', node: 'w1', labels: { app: 'old' } });
    await source.query(
      `insert into reporting_ocpusagepodlabel_summary (uuid, key, "values", namespace, node, report_period_id)
       values (gen_random_uuid(), 'app', '{old}', 'shop', 'w1', $1)`,
      [source.reportPeriodId],
    );
    await rebuildDay(source, day2, [{ namespace: 'shop', node: 'w1', labels: { app: 'new' } }]);
    await apply();
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: new,old']);
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { app: 'adopted' } }]);
    await apply();
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: adopted,new']);
  });

  test('a label too long for any index is left out instead of stopping the day', async () => {
    const labels = { app: 'web', team: randomText(9_000) };
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels }]);
    expect(await apply()).toEqual({ outcome: 'done', dayCount: 1 });
    expect(await labelSummary(source, 'pod')).toEqual(['app shop w1: web']);
  });

  test('a source that another transaction rewrites is busy, and nothing is written', async () => {
    await rebuildDay(source, day1, [{ namespace: 'shop', node: 'w1', labels: { app: 'web' } }]);
    await inTenantTransaction(database.pool, database.schema, async (client) => {
      expect(await tryLock(client, 'source', source.sourceUuid)).toBe(true);
      expect(await apply()).toEqual({ outcome: 'busy' });
    });
    expect(await labelSummary(source, 'pod')).toEqual([]);
    expect(await apply()).toEqual({ outcome: 'done', dayCount: 1 });
  });
});

/** Text that PostgreSQL cannot compress into an index entry. */
function randomText(length: number): string {
  return Array.from({ length }, () => Math.random().toString(36).charAt(2)).join('');
}
