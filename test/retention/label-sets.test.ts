import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { canonicalLabels } from '../../domain/reports/labels.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { waitUntil } from '../support/wait-until.ts';
import { createCleanUp } from './clean-up.ts';
import type { CleanUp } from './clean-up.ts';

/** Before the end of the month: no partition is dropped. */
const now = '2026-09-15T02:30:00Z';
let database: TestDatabase;
let cleanUp: CleanUp;
let source: StagedSource;

beforeAll(async () => {
  database = await createTestDatabase();
  cleanUp = await createCleanUp(database);
  source = await createStagedSource(database, '2026-09');
});

async function store(name: string, age: string): Promise<void> {
  const labels = canonicalLabels({ name });
  const hash = createHash('sha256').update(labels).digest();
  await source.query('select ocp_label_set_ids($1::bytea[], $2::jsonb[])', [[hash], [labels]]);
  await source.query('update ocp_label_set set last_used_at = now() - $2::interval where labels_hash = $1', [
    hash,
    age,
  ]);
}

async function stored(): Promise<string[]> {
  const rows = await source.query<{ name: string }>(
    `select labels ->> 'name' as name from ocp_label_set order by 1`,
  );
  return rows.map(({ name }) => name);
}

test('label sets go when no load used them for 48 hours and no staging row refers to them', async () => {
  await store('unused for 49 hours', '49 hours');
  await store('unused for 47 hours', '47 hours');
  const day = '2026-09-01';
  await source.stage('pod_usage', day, [{ hour: 1, label_set_id: { name: 'of a pod' } }]);
  await source.stage('storage_usage', day, [
    {
      hour: 1,
      persistentvolume_label_set_id: { name: 'of a volume' },
      persistentvolumeclaim_label_set_id: { name: 'of a claim' },
    },
  ]);
  await source.stage('node_labels', day, [{ hour: 1, label_set_id: { name: 'of a node' } }]);
  await source.stage('namespace_labels', day, [{ hour: 1, label_set_id: { name: 'of a namespace' } }]);
  await source.stage('vm_usage', day, [{ hour: 1, label_set_id: { name: 'of a machine' } }]);
  await source.query(
    `update ocp_label_set set last_used_at = now() - interval '30 days' where labels ->> 'name' like 'of %'`,
  );

  expect(await cleanUp.sweep(now)).toMatchObject({ labelSetCount: 1, droppedCount: 0 });
  expect(await stored()).toEqual([
    'of a claim',
    'of a machine',
    'of a namespace',
    'of a node',
    'of a pod',
    'of a volume',
    'unused for 47 hours',
  ]);
  expect(await cleanUp.sweep(now)).toMatchObject({ labelSetCount: 0 });
});

test('label sets go with the partitions that referred to them', async () => {
  await source.query('update ocp_piece set processed_at = now()');
  expect(await cleanUp.sweep('2026-10-08T02:30:00Z')).toMatchObject({ droppedCount: 6, labelSetCount: 6 });
  expect(await stored()).toEqual(['unused for 47 hours']);
});

test('a label set that a load takes up while the sweep looks at it stays', async () => {
  await store('taken up', '72 hours');
  const load = await database.pool.connect();
  await load.query('begin');
  await load.query(`set local search_path = ${database.schema}, public`);
  await load.query(`update ocp_label_set set last_used_at = now() where labels ->> 'name' = 'taken up'`);
  const sweep = cleanUp.sweep(now);
  await waitUntil(async () => {
    const { rows } = await database.pool.query(
      `select from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%unused_label_sets%'`,
    );
    return rows.length === 1;
  });
  await load.query('commit');
  load.release();
  expect(await sweep).toMatchObject({ labelSetCount: 0 });
  expect(await stored()).toContain('taken up');
});

test('label sets stay while a daily relation refers to them, long after staging', async () => {
  const day = '2026-10-01';
  const later = await createStagedSource(database, '2026-10');
  await later.stage('pod_usage', day, [{ hour: 1, label_set_id: { name: 'related pod' } }]);
  await later.stage('storage_usage', day, [
    {
      hour: 1,
      persistentvolume_label_set_id: { name: 'related volume' },
      persistentvolumeclaim_label_set_id: { name: 'related claim' },
    },
  ]);
  await later.stage('node_labels', day, [{ hour: 1, label_set_id: { name: 'related node' } }]);
  await later.stage('namespace_labels', day, [{ hour: 1, label_set_id: { name: 'related namespace' } }]);
  await later.stage('vm_usage', day, [{ hour: 1, label_set_id: { name: 'related machine' } }]);
  await later.query('select ocp_rebuild_relations($1, $1, $2)', [day, later.sourceUuid]);
  await later.query(`update ocp_piece set processed_at = now()`);
  await later.query(
    `update ocp_label_set set last_used_at = now() - interval '30 days' where labels ->> 'name' like 'related %'`,
  );
  expect(await cleanUp.sweep('2026-11-08T02:30:00Z')).toMatchObject({ droppedCount: 6, labelSetCount: 0 });
  expect((await stored()).filter((name) => name.startsWith('related'))).toHaveLength(6);
});
