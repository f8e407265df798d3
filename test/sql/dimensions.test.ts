import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';

const gib = 2 ** 30;

/** One pod for an hour on a node of 2 cores and 4 GiB. */
async function stagePod(source: StagedSource, day: string, nodeRole: string | null): Promise<void> {
  await source.stage('pod_usage', day, [
    {
      hour: 0,
      pod: 'p',
      namespace: 'shop',
      node: 'n1',
      resource_id: 'i-1',
      node_role: nodeRole,
      label_set_id: {},
      pod_usage_cpu_core_seconds: 1800,
      node_capacity_cpu_cores: 2,
      node_capacity_cpu_core_seconds: 7200,
      node_capacity_memory_bytes: 4 * gib,
      node_capacity_memory_byte_seconds: 4 * gib * 3600,
    },
  ]);
}

async function unallocated(source: StagedSource): Promise<string[]> {
  const rows = await source.query<{ place: string }>(
    `select usage_start || ' ' || namespace as place
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and namespace like '%unallocated' order by 1`,
    [source.sourceUuid],
  );
  return rows.map((row) => row.place);
}

test('where free capacity is charged does not depend on the order in which days arrive', async () => {
  const database = await createTestDatabase();
  const [first, second] = ['2026-10-01', '2026-10-02'] as const;
  for (const order of [
    [first, second],
    [second, first],
  ] as const) {
    const source = await createStagedSource(database, '2026-10');
    // Day 1 says nothing about the node's role; day 2 says infra, by the column of newer operators.
    for (const day of order) {
      await stagePod(source, day, day === second ? 'infra' : null);
      await source.summarise('design', day);
    }
    expect(await unallocated(source), order.join(' then ')).toEqual([
      '2026-10-01 Worker unallocated',
      '2026-10-02 Platform unallocated',
    ]);
  }
});

test('the role comes from the column, else from the API server, else from the label, else it is worker', async () => {
  const database = await createTestDatabase();
  const source = await createStagedSource(database, '2026-10');
  await stagePod(source, '2026-10-01', 'master');
  await stagePod(source, '2026-10-02', '');
  await source.stage('node_labels', '2026-10-02', [
    { hour: 0, node: 'n1', label_set_id: { node_role_kubernetes_io: 'infra' } },
  ]);
  await stagePod(source, '2026-10-03', 'worker');
  await source.stage('node_labels', '2026-10-03', [
    { hour: 0, node: 'n1', label_set_id: { node_role_kubernetes_io: 'infra' } },
  ]);
  await source.summarise('koku', '2026-10-01', '2026-10-03');
  expect(await unallocated(source)).toEqual([
    '2026-10-01 Platform unallocated',
    '2026-10-02 Platform unallocated',
    '2026-10-03 Worker unallocated',
  ]);
});

test('a node whose capacity is blank has 0 cores', async () => {
  const source = await createStagedSource(await createTestDatabase(), '2026-10');
  await source.stage('pod_usage', '2026-10-01', [
    { hour: 0, pod: 'p', namespace: 'shop', node: 'n1', resource_id: '', label_set_id: {} },
  ]);
  await source.summarise('design', '2026-10-01');
  expect(
    await source.query('select node, node_capacity_cpu_cores::float8 as cores from reporting_ocp_nodes'),
  ).toEqual([{ node: 'n1', cores: 0 }]);
});

test('rows of the cluster under another alias go, with what hangs on them', async () => {
  const source = await createStagedSource(await createTestDatabase(), '2026-10');
  await stagePod(source, '2026-10-01', 'worker');
  await source.summarise('koku', '2026-10-01');
  await source.query(
    `with other as (
         insert into reporting_ocp_clusters (uuid, cluster_id, cluster_alias, provider_id)
         values (gen_random_uuid(), $1, 'former name', $2)
         returning uuid
     )
     insert into reporting_ocp_projects (uuid, project, cluster_id)
     select gen_random_uuid(), 'shop', uuid from other`,
    [source.clusterId, source.sourceUuid],
  );
  await source.summarise('koku', '2026-10-01');
  expect(await source.query('select cluster_alias from reporting_ocp_clusters')).toEqual([
    { cluster_alias: 'alias' },
  ]);
  expect(await source.query('select project from reporting_ocp_projects')).toEqual([{ project: 'shop' }]);
});
