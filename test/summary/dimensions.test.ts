import { describe, expect, test } from 'vitest';
import { loadSql } from '../../platform/database/sql-files.ts';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';

const gib = 2 ** 30;

/** One pod for an hour on a node of 2 cores and 4 GiB, unless told otherwise. */
async function stagePod(
  source: StagedSource,
  day: string,
  nodeRole: string | null,
  cores = 2,
): Promise<void> {
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
      node_capacity_cpu_cores: cores,
      node_capacity_cpu_core_seconds: 7200,
      node_capacity_memory_bytes: 4 * gib,
      node_capacity_memory_byte_seconds: 4 * gib * 3600,
    },
  ]);
}

/** Nodes as `name cores role architecture`. */
async function nodes(source: StagedSource): Promise<string[]> {
  const rows = await source.query<{ node: string }>(
    `select concat_ws(' ', node, node_capacity_cpu_cores::float8, node_role, coalesce(architecture, '-')) as node
     from reporting_ocp_nodes
     where cluster_id in (select uuid from reporting_ocp_clusters where provider_id = $1) order by 1`,
    [source.sourceUuid],
  );
  return rows.map((row) => row.node);
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

test('control-plane counts as master, and is stored as sent', async () => {
  const database = await createTestDatabase();
  const roleOf = async (...roles: (string | null)[]) => {
    const source = await createStagedSource(database, '2026-10');
    for (const role of roles) await stagePod(source, '2026-10-01', role);
    await source.summarise('design', '2026-10-01');
    return [await nodes(source), await unallocated(source)];
  };
  const platform = ['2026-10-01 Platform unallocated'];
  const worker = ['2026-10-01 Worker unallocated'];
  expect(await roleOf('control-plane')).toEqual([['n1 2 control-plane -'], platform]);
  // It ranks as master does: edge and infra come before it, worker comes after.
  expect(await roleOf('control-plane', 'edge', '')).toEqual([['n1 2 control-plane -'], platform]);
  expect(await roleOf('infra', 'control-plane')).toEqual([['n1 2 control-plane -'], platform]);
  expect(await roleOf('master', 'control-plane')).toEqual([['n1 2 master -'], platform]);
  expect(await roleOf('control-plane', 'worker')).toEqual([['n1 2 worker -'], worker]);
  // Another spelling is another role.
  expect(await roleOf('Control-Plane')).toEqual([['n1 2 Control-Plane -'], worker]);
});

describe('nodes of many days', () => {
  /** What three days say: role, architecture, cores. */
  const days = {
    '2026-10-01': ['master', 'amd64', 2],
    '2026-10-02': ['infra', null, 2],
    '2026-10-03': ['', null, 2],
    '2026-10-04': [null, 'ARM64', 4],
  } as const;
  type Day = keyof typeof days;

  async function stageDay(source: StagedSource, day: Day): Promise<void> {
    const [role, architecture, cores] = days[day];
    await stagePod(source, day, role, cores);
    if (architecture !== null)
      await source.stage('node_labels', day, [
        { hour: 0, node: 'n1', label_set_id: { kubernetes_io_arch: architecture } },
      ]);
  }

  async function withdraw(source: StagedSource, day: Day): Promise<void> {
    await source.query('update ocp_piece set live_hours = 0 where source_uuid = $1 and usage_day = $2', [
      source.sourceUuid,
      day,
    ]);
    await source.summarise('koku', day);
  }

  async function stagedSource(order: readonly Day[]): Promise<StagedSource> {
    const source = await createStagedSource(await createTestDatabase(), '2026-10');
    for (const day of order) {
      await stageDay(source, day);
      await source.summarise('koku', day);
    }
    return source;
  }

  // With 2 cores the 2nd is the latest that gives a role, the 1st the only one with an architecture; with 4 cores
  // nobody gives a role, so it is a worker.
  const settled = ['n1 2 infra amd64', 'n1 4 worker arm64'];

  test('the latest day that gives role and architecture decides, in any order, and as one range', async () => {
    const all = Object.keys(days) as Day[];
    const [first, second, third, fourth] = all as [Day, Day, Day, Day];
    const orders = [all, all.toReversed(), [second, fourth, first, third], [third, first, fourth, second]];
    for (const order of orders) expect(await nodes(await stagedSource(order)), order.join()).toEqual(settled);
    const source = await createStagedSource(await createTestDatabase(), '2026-10');
    for (const day of all) await stageDay(source, day);
    await source.summarise('design', first, fourth);
    expect(await nodes(source)).toEqual(settled);
  });

  test('a day that is corrected or withdrawn gives way to the one before', async () => {
    const source = await stagedSource(['2026-10-01', '2026-10-02', '2026-10-03', '2026-10-04']);
    await withdraw(source, '2026-10-02');
    expect(await nodes(source)).toEqual(['n1 2 master amd64', 'n1 4 worker arm64']);
    // The 4th again, with the cores of the other days: no day has 4 cores any more.
    await withdraw(source, '2026-10-04');
    await stagePod(source, '2026-10-04', 'edge');
    await source.summarise('koku', '2026-10-04');
    expect(await nodes(source)).toEqual(['n1 2 edge amd64']);
  });

  test('a rebuild repairs what somebody else wrote', async () => {
    const source = await stagedSource(['2026-10-01', '2026-10-02', '2026-10-03', '2026-10-04']);
    await source.query(`update reporting_ocp_nodes set node_role = 'x', architecture = null`);
    await source.summarise('koku', '2026-10-01', '2026-10-04');
    expect(await nodes(source)).toEqual(settled);
    await source.query('delete from reporting_ocp_nodes');
    await source.summarise('koku', '2026-10-01', '2026-10-04');
    expect(await nodes(source)).toEqual(settled);
  });

  test('a purged day keeps its last answer, until its source is gone', async () => {
    const source = await stagedSource(['2026-10-01', '2026-10-02', '2026-10-03', '2026-10-04']);
    const purge = () =>
      source.query(loadSql('retention/delete_node_days.sql'), [source.sourceUuid, '2026-10-04']);
    const kept = () =>
      source.query<{ day: string }>('select usage_day as day from ocp_node_day order by usage_day');
    await purge();
    // Of 2 cores the 1st told the architecture, the 2nd the role, the 3rd came last; the 4th is not expired.
    expect(await kept()).toHaveLength(4);
    await withdraw(source, '2026-10-04');
    expect(await nodes(source)).toEqual(['n1 2 infra amd64']);
    await stagePod(source, '2026-10-04', 'worker');
    await source.summarise('koku', '2026-10-04');
    expect(await nodes(source)).toEqual(['n1 2 worker amd64']);
    await source.query(
      `insert into ocp_node_day (source_uuid, node, resource_id, cores, usage_day, node_role)
       select source_uuid, node, resource_id, cores, '2026-09-30', 'old' from ocp_node_day where usage_day = '2026-10-01'`,
    );
    await purge();
    expect((await kept()).map(({ day }) => day)).toEqual([
      '2026-10-01',
      '2026-10-02',
      '2026-10-03',
      '2026-10-04',
    ]);
    const otherSource = 'd0000000-0000-4000-8000-000000000000';
    await source.query('update ocp_node_day set source_uuid = $1', [otherSource]);
    await source.query(loadSql('retention/delete_node_days.sql'), [otherSource, '2026-10-05']);
    expect(await kept()).toEqual([]);
  });

  test('a row that was there before any day of ours holds until a day says something else', async () => {
    const source = await stagedSource(['2026-10-03']);
    await source.query('delete from ocp_node_day');
    await source.query(`update reporting_ocp_nodes set node_role = 'storage', architecture = 's390x'`);
    await source.summarise('koku', '2026-10-03');
    expect(await nodes(source)).toEqual(['n1 2 storage s390x']);
    await stageDay(source, '2026-10-02');
    await source.summarise('koku', '2026-10-02');
    expect(await nodes(source)).toEqual(['n1 2 infra s390x']);
    await withdraw(source, '2026-10-02');
    await withdraw(source, '2026-10-03');
    expect(await nodes(source)).toEqual(['n1 2 storage s390x']);
  });
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

test('a capacity is stored as it is, up to the range of the column, and beyond it stops the rebuild', async () => {
  const source = await createStagedSource(await createTestDatabase(), '2026-10');
  // The greatest double below 10^16: numeric(18,2) has 16 digits before the point.
  await stagePod(source, '2026-10-01', 'worker', 9_999_999_999_999_998);
  await source.summarise('design', '2026-10-01');
  expect(
    await source.query('select node_capacity_cpu_cores::text as cores from reporting_ocp_nodes'),
  ).toEqual([{ cores: '9999999999999998.00' }]);
  await stagePod(source, '2026-10-02', 'worker', 1e16);
  await expect(source.summarise('design', '2026-10-02')).rejects.toThrow(/numeric field overflow/);
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
