import { beforeAll, describe, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import type { recalculateCosts, watchSettings } from '../../workflows/index.ts';
import { byLabel, costLines, giveModel, plain } from '../costs/priced-source.ts';
import { addCostRow } from '../summary/cost-row.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { waitUntil } from '../support/wait-until.ts';
import { pod } from '../support/worked-example.ts';

let pipeline: TestPipeline;
beforeAll(async () => {
  // The first of November: October's last reports are still coming.
  pipeline = await createTestPipeline({ OCP_NOW: '2026-11-01T23:59:59Z', OCP_RULES: 'koku' });
});

async function watch() {
  return pipeline.client.workflow.execute<typeof watchSettings>('watchSettings', {
    workflowId: `watch:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ delayMs: 1, options: { retryInitialMs: 50, retryMaxMs: 500 } }],
  });
}

async function recalculate({ sourceUuid }: StagedSource, month: string) {
  const { orgId, schema } = pipeline.database;
  return pipeline.client.workflow.execute<typeof recalculateCosts>('recalculateCosts', {
    workflowId: `by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month: billingMonth(month) }],
  });
}

/** The result of the recalculation that the watch requested. */
async function requested({ sourceUuid }: StagedSource, month: string): Promise<unknown> {
  const { orgId } = pipeline.database;
  return pipeline.client.workflow.getHandle(`costs:${orgId}:${sourceUuid}:${month}`).result();
}

/** Summarise a day, as a run does, and note the month. */
async function summarise(source: StagedSource, day: string): Promise<void> {
  await source.summarise('koku', day);
  await source.query(
    `insert into ocp_source_month (source_uuid, billing_month, rules) values ($1, date_trunc('month', $2::date), 'koku')
     on conflict do nothing`,
    [source.sourceUuid, day],
  );
}

const versions = (source: StagedSource) =>
  source.query('select version from ocp_day where source_uuid = $1 order by usage_day', [source.sourceUuid]);

const distributed = (source: StagedSource) => costLines(source, `cost_model_rate_type = 'gpu_distributed'`);

/* Node g1 has two GPUs for two hours; ml holds one for both, lab the other for one: one hour of four is free. */
async function stageGpus(source: StagedSource, day: string): Promise<void> {
  const hour = (at: number, changes: object) => ({
    hour: at,
    node: 'g1',
    gpu_vendor_name: 'nvidia',
    gpu_model_name: 'Tesla T4',
    gpu_memory_capacity_mib: 15360,
    gpu_pod_uptime: 3600,
    mig_instance_id: '',
    mig_profile: '',
    mig_strategy: '',
    ...changes,
  });
  const ml = { namespace: 'ml', pod: 'trainer', gpu_uuid: 'GPU-1' };
  const lab = { namespace: 'lab', pod: 'tester', gpu_uuid: 'GPU-2' };
  await source.stage('gpu_usage', day, [hour(0, ml), hour(1, ml), hour(0, lab)]);
  const label_set_id = { nvidia_com_gpu_present: 'True', nvidia_com_gpu_count: '2' };
  await source.stage(
    'node_labels',
    day,
    [0, 1].map((at) => ({ hour: at, node: 'g1', label_set_id })),
  );
  await source.stage('pod_usage', day, pod('trainer', 'ml', 'g1', {}, [[1800, 3600, 1, 1]]));
}

const gpuRate = byLabel('gpu_cost_per_month', 'nvidia', { 'Tesla T4': 310 });
const freeGpus = { distribution: { gpu_unallocated: true } };

describe('the month turns', () => {
  let ours: StagedSource;
  let shared: StagedSource;

  test('on the first day of the next one free GPUs are not distributed yet', async () => {
    ours = await createStagedSource(pipeline.database, '2026-10');
    await stageGpus(ours, '2026-10-30');
    await summarise(ours, '2026-10-30');
    await giveModel(ours, [gpuRate], freeGpus);
    expect(await recalculate(ours, '2026-10')).toEqual({ month: '2026-10', daysPriced: 1, costRowCount: 3 });
    // 310 / 31 = 10 a day: 10 · 2 / 24, 10 · 1 / 24, and the hour that nobody held.
    expect(await costLines(ours)).toEqual([
      'GPU unallocated g1 Tag g=0.416667',
      'lab g1 Tag g=0.416667',
      'ml g1 Tag g=0.833333',
    ]);
    expect(await watch()).toMatchObject({ sourceCount: 0, failedTenants: [] });
  });

  test('a month with a day of another writer is priced but for that', async () => {
    shared = await createStagedSource(pipeline.database, '2026-10');
    await stageGpus(shared, '2026-10-30');
    await summarise(shared, '2026-10-30');
    const usage = { data_source: 'Pod', namespace: 'theirs', node: 'g1', pod_usage_cpu_core_hours: 1 };
    await addCostRow(shared, '2026-10-02', usage);
    await addCostRow(shared, '2026-10-02', {
      data_source: 'GPU',
      namespace: 'theirs',
      node: 'g1',
      cost_model_rate_type: 'Infrastructure',
      monthly_cost_type: 'Tag',
      cost_model_gpu_cost: 7,
    });
    await giveModel(shared, [gpuRate], freeGpus);
    expect(await recalculate(shared, '2026-10')).toMatchObject({ daysPriced: 1, costRowCount: 3 });
  });

  test('on the second they are, without a payload; what another writer priced stays', async () => {
    await pipeline.restartWorkers({ OCP_NOW: '2026-11-02T00:00:00Z' });
    expect(await watch()).toMatchObject({ sourceCount: 1, failedTenants: [] });
    expect(await requested(ours, '2026-10')).toMatchObject({ daysPriced: 1, costRowCount: 6 });
    // 2 of 3 and 1 of 3 hours of 0.416667.
    expect(await distributed(ours)).toEqual([
      'GPU unallocated g1 gpu_distributed d=-0.416667',
      'lab g1 gpu_distributed d=0.138889',
      'ml g1 gpu_distributed d=0.277778',
    ]);
    expect(await versions(ours)).toEqual([{ version: 1 }]);
    const reported = await ours.query(
      'select sum(distributed_cost)::float8 as sum, count(*)::integer as n from reporting_ocp_cost_summary_by_project_p where source_uuid = $1 and distributed_cost is not null',
      [ours.sourceUuid],
    );
    expect(reported).toEqual([{ sum: expect.closeTo(0, 9) as number, n: 3 }]);
    expect(await distributed(shared)).toEqual([]);
    expect(await costLines(shared, `namespace = 'theirs'`)).toEqual(['theirs g1 Tag g=7']);
    expect(await watch()).toMatchObject({ sourceCount: 0 });
  });

  test('once every day is ours, theirs are distributed too', async () => {
    await shared.query(
      `delete from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and usage_start = '2026-10-02'`,
      [shared.sourceUuid],
    );
    await stageGpus(shared, '2026-10-02');
    await summarise(shared, '2026-10-02');
    expect(await watch()).toMatchObject({ sourceCount: 1 });
    expect(await requested(shared, '2026-10')).toMatchObject({ daysPriced: 2, costRowCount: 12 });
    expect(await distributed(shared)).toHaveLength(6);
  });
});

describe('what Koku has asked for', () => {
  const costsTask = 'masu.processor.tasks.update_cost_model_costs';
  let source: StagedSource;

  const put = (name: string, provider: string, kwargs: object, metadata: object | null = null) =>
    source.query(
      `insert into public.delayed_celery_tasks
           (task_name, task_args, task_kwargs, timeout_timestamp, provider_uuid, queue_name, metadata)
       values ($1, jsonb_build_array($2::text, $3::text), $4, now(), $3::uuid, 'priority', $5)`,
      [name, pipeline.database.schema, provider, kwargs, metadata],
    );
  const left = () =>
    source.query(
      'select task_name as name, provider_uuid as provider from public.delayed_celery_tasks order by id',
    );

  beforeAll(async () => {
    source = await createStagedSource(pipeline.database, '2026-10');
    await source.stage('pod_usage', '2026-10-05', pod('web', 'shop', 'w1', {}, [[3600, 3600, 1, 1]]));
    await summarise(source, '2026-10-05');
    await recalculate(source, '2026-10');
    await pipeline.database.pool.query(
      `create table public.delayed_celery_tasks (
           id integer generated by default as identity primary key, task_name varchar(255) not null,
           task_args jsonb not null, task_kwargs jsonb not null, timeout_timestamp timestamptz not null,
           provider_uuid uuid not null, queue_name varchar(255) not null, metadata jsonb
       )`,
    );
  });

  test('is recalculated for its months, which need not be the present one; the rest is left', async () => {
    await giveModel(source, [plain('cpu_core_usage_per_hour', 2)]);
    expect(await watch(), 'an earlier month').toMatchObject({ sourceCount: 0 });
    await put(costsTask, source.sourceUuid, { start_date: '2026-10-01', end_date: '2026-11-02' });
    await put(costsTask, source.sourceUuid, {}, { billing_month: '2026-10-01' });
    const stranger = crypto.randomUUID();
    await put(costsTask, stranger, { start_date: '2026-10-01', end_date: '2026-10-31' });
    await put(costsTask, source.sourceUuid, { start_date: '2026-08-01', end_date: '2026-08-31' });
    await put('masu.processor.tasks.remove_expired_data', source.sourceUuid, {});
    expect(await watch()).toMatchObject({ sourceCount: 1, failedTenants: [] });
    expect(await requested(source, '2026-10')).toMatchObject({ daysPriced: 1 });
    expect(await costLines(source, `namespace = 'shop' and distributed_cost is null`)).toEqual([
      'shop w1 usage c=2 m=0 v=0',
    ]);
    expect(await left()).toEqual([
      { name: costsTask, provider: stranger },
      { name: costsTask, provider: source.sourceUuid },
      { name: 'masu.processor.tasks.remove_expired_data', provider: source.sourceUuid },
    ]);
    expect(await watch()).toMatchObject({ sourceCount: 0 });
  });
});

describe('a change of the current month', () => {
  const day = '2026-11-01';
  let source: StagedSource;

  beforeAll(async () => {
    source = await createStagedSource(pipeline.database, '2026-11');
    await source.stage('pod_usage', day, pod('web', 'shop', 'w1', {}, [[3600, 3600, 1, 1]]));
    await summarise(source, day);
    expect(await recalculate(source, '2026-11')).toMatchObject({ daysPriced: 1, costRowCount: 0 });
  });

  const perHour = (value: number) => [plain('cpu_core_usage_per_hour', value)];
  const usage = () => costLines(source, `namespace = 'shop'`);

  async function isFollowed(costs: string[]): Promise<void> {
    expect(await watch()).toMatchObject({ sourceCount: 1, failedTenants: [] });
    expect(await requested(source, '2026-11')).toMatchObject({ daysPriced: 1 });
    expect(await usage()).toEqual(costs);
    expect(await watch()).toMatchObject({ sourceCount: 0 });
    // The usage was not summarised again, and is validated with what was distributed.
    expect(
      await source.query('select version, validated_version from ocp_day where source_uuid = $1', [
        source.sourceUuid,
      ]),
    ).toEqual([{ version: 1, validated_version: 1 }]);
  }

  test('a model that it got', async () => {
    await giveModel(source, perHour(2));
    // One core for an hour.
    await isFollowed(['shop w1 usage c=2 m=0 v=0']);
  });

  test('a rate, changed by a new document', async () => {
    await giveModel(source, perHour(3));
    await isFollowed(['shop w1 usage c=3 m=0 v=0']);
  });

  test('a rate, changed in SQL', async () => {
    await source.query(
      `update cost_model_rate set default_rate = 5 where metric = 'cpu_core_usage_per_hour'`,
    );
    await isFollowed(['shop w1 usage c=5 m=0 v=0']);
  });

  test('the currency, which no amount depends on but every report', async () => {
    await source.query(`update cost_model set currency = 'EUR' where name = $1`, [
      `model of ${source.clusterId}`,
    ]);
    await isFollowed(['shop w1 usage c=5 m=0 v=0']);
  });

  test('a rate that changes while its costs are written: the new one counts, and is not missed', async () => {
    const { pool } = pipeline.database;
    const gate = 4_711;
    // The statement has read the rates when its first row waits here.
    await source.query(
      `create function wait_at_gate() returns trigger language plpgsql as
       'begin perform pg_advisory_xact_lock(${gate}); return new; end'`,
    );
    await source.query(
      `create trigger gate before insert on reporting_ocpusagelineitem_daily_summary for each row
       when (new.cost_model_rate_type = 'Infrastructure') execute function wait_at_gate()`,
    );
    const holder = await pool.connect();
    try {
      await holder.query('select pg_advisory_lock($1)', [gate]);
      await giveModel(source, perHour(2));
      const pricing = recalculate(source, '2026-11');
      await waitUntil(async () => {
        const { rows } = await pool.query(
          `select from pg_locks where locktype = 'advisory' and objid = $1 and not granted`,
          [gate],
        );
        return rows.length === 1;
      });
      await source.query(
        `update cost_model_rate set default_rate = 7 where metric = 'cpu_core_usage_per_hour'`,
      );
      await holder.query('select pg_advisory_unlock($1)', [gate]);
      expect(await pricing).toMatchObject({ daysPriced: 1 });
    } finally {
      holder.release(true);
    }
    await source.query('drop trigger gate on reporting_ocpusagelineitem_daily_summary');
    expect(await usage()).toEqual(['shop w1 usage c=7 m=0 v=0']);
    expect(await watch()).toMatchObject({ sourceCount: 0, failedTenants: [] });
  });

  test('the model, taken away', async () => {
    await source.query('delete from cost_model_map where provider_uuid = $1', [source.sourceUuid]);
    await isFollowed([]);
  });
});
