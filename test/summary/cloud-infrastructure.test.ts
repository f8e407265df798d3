import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, expect, test } from 'vitest';
import { checkCloudInfrastructure } from '../../activities/check-cloud-infrastructure.ts';
import type { CheckCloudInfrastructureResult } from '../../activities/check-cloud-infrastructure.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { dependenciesOf, month } from './labelled-days.ts';

/** The columns that a bill is matched by, as Koku names them in each of its tables. */
const tables = {
  aws_line_items_daily: 'source varchar, lineitem_usagestartdate timestamp, lineitem_resourceid varchar',
  azure_line_items: 'source varchar, date timestamp, resourceid varchar',
  gcp_line_items_daily: 'source varchar, usage_start_time timestamp, resource_name varchar',
  reporting_awscostentrylineitem_daily_summary: 'source_uuid uuid, usage_start date, resource_ids text[]',
  reporting_azurecostentrylineitem_daily_summary: 'source_uuid uuid, usage_start date, instance_ids text[]',
} as const;
type BillTable = keyof typeof tables;

/** Path of an Azure resource; the name is its 9th segment, counted from the empty one before the first slash. */
const azureId = (name: string) =>
  `/subscriptions/s-1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/${name}`;

let database: TestDatabase;
let source: StagedSource;

beforeEach(async () => {
  database = await createTestDatabase();
  source = await sourceWithNodes(['w1', 'i-0aaa'], ['w2', 'i-0bbb'], ['bare', '']);
});

/** A cluster with nodes, whose month was summarised. */
async function sourceWithNodes(...nodes: [node: string, resourceId: string][]): Promise<StagedSource> {
  const cluster = await createStagedSource(database, month);
  await cluster.query(
    `with cluster as (
         insert into reporting_ocp_clusters (uuid, cluster_id, cluster_alias, provider_id)
         values (gen_random_uuid(), $1, 'alias', $2)
         returning uuid
     ),
     summarised as (
         insert into ocp_source_month (source_uuid, billing_month, rules) values ($2, $3, 'koku')
     )
     insert into reporting_ocp_nodes (uuid, node, resource_id, cluster_id)
     select gen_random_uuid(), node.name, node.resource_id, cluster.uuid
     from cluster, unnest($4::text[], $5::text[]) as node (name, resource_id)`,
    [
      cluster.clusterId,
      cluster.sourceUuid,
      `${month}-01`,
      nodes.map(([name]) => name),
      nodes.map(([, resourceId]) => resourceId),
    ],
  );
  return cluster;
}

/** A cloud provider of the test's organisation, or of another. */
async function addCloudProvider(type: string, orgId = database.orgId): Promise<string> {
  const uuid = randomUUID();
  await database.pool.query(
    `insert into public.api_provider (uuid, name, type, setup_complete, active, paused, customer_id)
     select $1, 'cloud', $2, true, true, false, id from public.api_customer where org_id = $3`,
    [uuid, type, orgId],
  );
  return uuid;
}

/** Bill resources to a provider; the table is made when it is the first bill in it. */
async function bill(
  table: BillTable,
  providerUuid: string,
  resources: string[],
  day = '2026-10-03',
): Promise<void> {
  await source.query(`create table if not exists ${table} (${tables[table]})`);
  const isSummary = table.startsWith('reporting_');
  await source.query(
    isSummary
      ? `insert into ${table} values ($1, $2, $3::text[])`
      : `insert into ${table} select $1, $2, resource from unnest($3::text[]) as billed (resource)`,
    [providerUuid, day, resources],
  );
}

async function check(cluster = source): Promise<CheckCloudInfrastructureResult> {
  const input = { schema: database.schema, sourceUuid: cluster.sourceUuid, month };
  return new MockActivityEnvironment().run(() => checkCloudInfrastructure(dependenciesOf(database), input));
}

/** What is stored about a cluster: its pairing, and what the month notes. */
async function stored(cluster = source) {
  const pairings = await cluster.query(
    `select pairing.infrastructure_provider_id as uuid, pairing.infrastructure_type as type
     from public.api_provider as provider
     join public.api_providerinfrastructuremap as pairing on pairing.id = provider.infrastructure_id
     where provider.uuid = $1`,
    [cluster.sourceUuid],
  );
  const months = await cluster.query(
    `select infrastructure, infrastructure_provider_uuid as uuid, infrastructure_checked_at is not null as checked
     from ocp_source_month where source_uuid = $1`,
    [cluster.sourceUuid],
  );
  return { pairings, months };
}

const nothingStored = { pairings: [], months: [{ infrastructure: 'none', uuid: null, checked: true }] };

function pairedWith(uuid: string, type: string) {
  return { pairings: [{ uuid, type }], months: [{ infrastructure: type, uuid, checked: true }] };
}

test('without cloud bills the month notes that there is no infrastructure', async () => {
  expect(await check()).toEqual({ outcome: 'done', infrastructure: null });
  expect(await stored()).toEqual(nothingStored);
  expect(await check()).toEqual({ outcome: 'done', infrastructure: null });
});

test.for([
  ['aws_line_items_daily', 'AWS', ['arn:aws:ec2:r:1:instance/i-0aaa']],
  ['azure_line_items', 'Azure', [azureId('w2')]],
  ['gcp_line_items_daily', 'GCP', ['projects/1/instances/w1']],
  ['reporting_awscostentrylineitem_daily_summary', 'AWS-local', ['vol-1', 'i-0bbb']],
  ['reporting_azurecostentrylineitem_daily_summary', 'Azure-local', [azureId('disk'), azureId('w1')]],
] as const)('a bill in %s that names a node pairs the cluster, once', async ([table, type, resources]) => {
  const providerUuid = await addCloudProvider(type);
  await bill(table, providerUuid, [...resources]);
  for (const attempt of [1, 2]) {
    const infrastructure = { providerUuid, type };
    expect(await check(), `attempt ${attempt}`).toEqual({ outcome: 'done', infrastructure });
    expect(await stored()).toEqual(pairedWith(providerUuid, type));
  }
  const { rows } = await database.pool.query('select 1 from public.api_providerinfrastructuremap');
  expect(rows).toHaveLength(1);
});

test.for([
  ['another instance', 'aws_line_items_daily', 'AWS', ['i-0ccc', '', 'w1']],
  [
    'a path that names the node in another segment',
    'azure_line_items',
    'Azure',
    [`${azureId('x')}/w1`, 'w1'],
  ],
  ['a longer name', 'azure_line_items', 'Azure', [azureId('w10')]],
  ['another machine', 'gcp_line_items_daily', 'GCP', ['projects/1/instances/other', '']],
  ['the bill of another kind of cloud', 'aws_line_items_daily', 'GCP', ['i-0aaa']],
] as const)('%s does not match', async ([, table, type, resources]) => {
  await bill(table, await addCloudProvider(type), [...resources]);
  expect(await check()).toEqual({ outcome: 'done', infrastructure: null });
  expect(await stored()).toEqual(nothingStored);
});

test('bills of other months and of other organisations do not match', async () => {
  const own = await addCloudProvider('AWS');
  await bill('aws_line_items_daily', own, ['i-0aaa'], '2026-09-30');
  await bill('aws_line_items_daily', own, ['i-0aaa'], '2026-11-01');
  await database.pool.query(
    `insert into public.api_customer (date_created, date_updated, uuid, schema_name, org_id)
     values (now(), now(), gen_random_uuid(), 'org99', '99')`,
  );
  await bill('aws_line_items_daily', await addCloudProvider('AWS', '99'), ['i-0aaa']);
  expect(await check()).toEqual({ outcome: 'done', infrastructure: null });
});

test('a table that does not name the billed resource is passed over', async () => {
  await source.query(
    'create table gcp_line_items_daily (source varchar, usage_start_time timestamp, sku_id text)',
  );
  expect(await check()).toEqual({ outcome: 'done', infrastructure: null });
});

test('of several clouds the one that bills most nodes is the infrastructure, and it stays so', async () => {
  const few = await addCloudProvider('GCP');
  const most = await addCloudProvider('AWS');
  await bill('gcp_line_items_daily', few, ['instances/w1', 'instances/w1/disk']);
  await bill('aws_line_items_daily', most, ['i-0aaa', 'i-0bbb']);
  expect(await check()).toMatchObject({ infrastructure: { providerUuid: most } });
  await source.query('delete from aws_line_items_daily');
  expect(await check()).toMatchObject({ infrastructure: { providerUuid: most } });
  expect(await stored()).toEqual(pairedWith(most, 'AWS'));
});

test('two clusters that are checked at once share the row of their cloud', async () => {
  const second = await sourceWithNodes(['n1', 'i-0ddd']);
  const providerUuid = await addCloudProvider('AWS');
  await bill('aws_line_items_daily', providerUuid, ['i-0aaa', 'i-0ddd']);
  await Promise.all([check(), check(second)]);
  const { rows } = await database.pool.query(
    'select count(distinct infrastructure_id) as pairings, count(*) as clusters from public.api_provider where infrastructure_id is not null',
  );
  expect(rows).toEqual([{ pairings: 1, clusters: 2 }]);
  expect(await stored(second)).toEqual(pairedWith(providerUuid, 'AWS'));
});

test('while another transaction rewrites the source the answer is busy', async () => {
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    expect(await tryLock(client, 'source', source.sourceUuid)).toBe(true);
    expect(await check()).toEqual({ outcome: 'busy' });
  });
});
