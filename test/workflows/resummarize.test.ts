import { beforeAll, describe, expect, test } from 'vitest';
import type { ResummarizeInput } from '../../domain/run/resummarize.ts';
import { taskQueues } from '../../domain/run/run.ts';
import type { UsageDay } from '../../domain/time/usage-day.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { adoptDays } from '../../platform/tenants/sources.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { mapTags, unmapTags } from '../../summary/tag-mapping.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import type { resummarize, watchSettings } from '../../workflows/index.ts';
import { payloadPath } from '../support/fixtures.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';

/** The fixtures' October is the current month here, because the watch looks at that one. */
const octoberNow = '2026-10-20T12:00:00Z';
const october = billingMonth('2026-10');
const cluster = 'my-ocp-cluster-small';

async function versions(pipeline: TestPipeline, sourceUuid: string): Promise<number[]> {
  const rows = await query<{ version: number }>(
    pipeline,
    'select version from ocp_day where source_uuid = $1 order by usage_day',
    [sourceUuid],
  );
  return rows.map((row) => row.version);
}

async function query<R extends object>(
  pipeline: TestPipeline,
  text: string,
  values: unknown[],
): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

/** A cost model of the source ($1) whose price list has a price for GPUs. */
const gpuPriceSql = `
  with model as (
      insert into cost_model (uuid, name, description, source_type, created_timestamp, updated_timestamp, rates, markup,
          distribution, currency, distribution_info)
      values (gen_random_uuid(), 'gpus', '', 'OCP', now(), now(), '[]', '{}', 'cpu', 'USD', '{}')
      returning uuid
  ),
  mapped as (
      insert into cost_model_map (provider_uuid, cost_model_id) select $1, uuid from model
  ),
  list as (
      insert into price_list (uuid, name, description, currency, effective_start_date, effective_end_date, enabled,
          version, rates, created_timestamp, updated_timestamp)
      values (gen_random_uuid(), 'gpus', '', 'USD', '2026-01-01', '2026-12-31', true, 1, '[]', now(), now())
      returning uuid
  ),
  listed as (
      insert into price_list_cost_model_map (priority, cost_model_id, price_list_id)
      select 1, model.uuid, list.uuid from model, list
  )
  insert into cost_model_rate (uuid, custom_name, description, metric, metric_type, cost_type, tag_key, tag_values,
      created_timestamp, updated_timestamp, price_list_id)
  select gen_random_uuid(), 'gpus', '', 'gpu_cost_per_month', 'gpu', 'Supplementary', 'gpu', '[]', now(), now(), uuid
  from list`;

async function rebuild(pipeline: TestPipeline, input: Partial<ResummarizeInput> & { sourceUuid: string }) {
  const { orgId, schema } = pipeline.database;
  return pipeline.client.workflow.execute<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, month: october, ...input }],
  });
}

describe('resummarize', () => {
  let pipeline: TestPipeline;
  let sourceUuid: string;
  beforeAll(async () => {
    pipeline = await createTestPipeline({ OCP_NOW: octoberNow });
    sourceUuid = await pipeline.addSource(cluster);
    await pipeline.ingest(payloadPath('nise-small'));
  });

  test('rebuilds the days it is asked for, and no others', async () => {
    const result = await rebuild(pipeline, {
      sourceUuid,
      from: '2026-10-02' as UsageDay,
      until: '2026-10-02' as UsageDay,
    });
    expect(result.daysSummarised).toBe(1);
    expect(await versions(pipeline, sourceUuid)).toEqual([1, 2, 1]);
  });

  test('says when it was, on the report period and the provider, and keeps the first time', async () => {
    const long = '2020-02-02T00:00:00Z';
    await query(
      pipeline,
      `update reporting_ocpusagereportperiod
       set summary_data_creation_datetime = $2, summary_data_updated_datetime = $2 where provider_id = $1`,
      [sourceUuid, long],
    );
    await query(pipeline, 'update public.api_provider set data_updated_timestamp = $2 where uuid = $1', [
      sourceUuid,
      long,
    ]);
    await rebuild(pipeline, { sourceUuid });
    const times = await query(
      pipeline,
      `select period.summary_data_creation_datetime = $2 as "firstIsKept",
           period.summary_data_updated_datetime > now() - interval '1 hour' as "periodIsNew",
           provider.data_updated_timestamp > now() - interval '1 hour' as "providerIsNew"
       from reporting_ocpusagereportperiod as period
       join public.api_provider as provider on provider.uuid = period.provider_id
       where provider.uuid = $1`,
      [sourceUuid, long],
    );
    expect(times).toEqual([{ firstIsKept: true, periodIsNew: true, providerIsNew: true }]);
  });

  test('takes on the present rules profile for the whole month', async () => {
    const effective = `select sum(pod_effective_usage_cpu_core_hours)::float8 as hours from reporting_ocp_pod_summary_p
       where source_uuid = $1`;
    const [design] = await query<{ hours: number }>(pipeline, effective, [sourceUuid]);
    await setTenantSettings(pipeline.database.pool, pipeline.database.orgId, [['rules', 'koku']]);
    await rebuild(pipeline, { sourceUuid });
    const [koku] = await query<{ hours: number }>(pipeline, effective, [sourceUuid]);
    // Σ of the three days in Koku's own results: 1514.3081825 + 1406.0407925 + 1474.2286975.
    expect(koku?.hours).toBeCloseTo(4394.5776725, 6);
    expect(design?.hours).toBeLessThan(koku?.hours ?? 0);
    expect(await query(pipeline, 'select rules from ocp_source_month', [])).toEqual([{ rules: 'koku' }]);
    await setTenantSettings(pipeline.database.pool, pipeline.database.orgId, [['rules', '']]);
    await rebuild(pipeline, { sourceUuid });
  });

  test('loads pieces again that were dropped from staging', async () => {
    const before = await query(
      pipeline,
      'select namespace, pod_usage_cpu_core_hours from reporting_ocp_pod_summary_by_project_p where source_uuid = $1 order by 1, 2',
      [sourceUuid],
    );
    await query(
      pipeline,
      `with swept as (update ocp_piece set state = 'swept', staged_checksum = null where source_uuid = $1)
       delete from reporting_ocpusagelineitem_pod_staging where source_uuid = $1`,
      [sourceUuid],
    );
    for (const kind of ['storage', 'node_labels', 'namespace_labels', 'vm', 'gpu'])
      await query(pipeline, `delete from reporting_ocpusagelineitem_${kind}_staging where source_uuid = $1`, [
        sourceUuid,
      ]);
    await rebuild(pipeline, { sourceUuid });
    expect(
      await query(
        pipeline,
        'select namespace, pod_usage_cpu_core_hours from reporting_ocp_pod_summary_by_project_p where source_uuid = $1 order by 1, 2',
        [sourceUuid],
      ),
    ).toEqual(before);
  });
});

describe('the settings watch', () => {
  let pipeline: TestPipeline;
  let sourceUuid: string;
  beforeAll(async () => {
    pipeline = await createTestPipeline({ OCP_NOW: octoberNow });
    sourceUuid = await pipeline.addSource(cluster);
    await pipeline.ingest(payloadPath('nise-full_day1'));
  });

  const watch = (delayMs: number) =>
    pipeline.client.workflow.execute<typeof watchSettings>('watchSettings', {
      workflowId: `watch:${crypto.randomUUID()}`,
      taskQueue: taskQueues.pipeline,
      args: [{ delayMs }],
    });

  test('finds nothing to do while settings stay as they are', async () => {
    expect(await watch(1)).toEqual({ tenantCount: 1, sourceCount: 0, failedTenants: [] });
  });

  test('has the month rebuilt once after keys were enabled and mapped', async () => {
    const { pool, schema, orgId } = pipeline.database;
    await setTagKeys(pool, schema, ['application', 'app'], true);
    await mapTags(pool, schema, 'app', ['application']);
    expect(await watch(1)).toEqual({ tenantCount: 1, sourceCount: 1, failedTenants: [] });
    await pipeline.client.workflow.getHandle(`settings:${orgId}:${sourceUuid}:${october}`).result();
    expect(await versions(pipeline, sourceUuid)).toEqual([2]);
    expect(await labelKeys()).toEqual(['app', 'vm_kubevirt_io_name']);
    expect(await watch(1)).toMatchObject({ sourceCount: 0 });
  });

  const labelKeys = async () =>
    (
      await query<{ key: string }>(
        pipeline,
        `select distinct label.key
         from reporting_ocpusagelineitem_daily_summary as summary, jsonb_object_keys(summary.pod_labels) as label (key)
         where summary.source_uuid = $1 order by 1`,
        [sourceUuid],
      )
    ).map((row) => row.key);
  const settled = (orgId: string, what: 'settings' | 'costs' = 'settings') =>
    pipeline.client.workflow.getHandle(`${what}:${orgId}:${sourceUuid}:${october}`).result();

  test('brings the keys as they were sent back when their mapping is removed', async () => {
    const { pool, schema, orgId } = pipeline.database;
    expect(await unmapTags(pool, schema, ['application'])).toBe(1);
    expect(await watch(1)).toMatchObject({ sourceCount: 1 });
    await settled(orgId);
    expect(await labelKeys()).toEqual(['application', 'vm_kubevirt_io_name']);
    expect(await versions(pipeline, sourceUuid)).toEqual([3]);
  });

  test('has only costs and report tables written when a setting concerns nothing before them', async () => {
    const { orgId } = pipeline.database;
    const gpuCount = async () =>
      (await query(pipeline, 'select from reporting_ocp_gpu_summary_p where source_uuid = $1', [sourceUuid]))
        .length;
    const before = await gpuCount();
    expect(before).toBeGreaterThan(0);
    // With a price, GPU rows are those of the daily summary, and only a cost model writes any there.
    await query(pipeline, gpuPriceSql, [sourceUuid]);
    expect(await watch(1)).toMatchObject({ sourceCount: 1 });
    expect(await settled(orgId, 'costs')).toMatchObject({ daysPriced: 1 });
    expect(await gpuCount()).toBe(0);
    expect(await versions(pipeline, sourceUuid)).toEqual([3]);
    expect(await watch(1)).toMatchObject({ sourceCount: 0 });

    await query(pipeline, 'delete from cost_model_map where provider_uuid = $1', [sourceUuid]);
    expect(await watch(1)).toMatchObject({ sourceCount: 1 });
    await settled(orgId, 'costs');
    expect(await gpuCount()).toBe(before);
    expect(await versions(pipeline, sourceUuid)).toEqual([3]);
  });

  test('a later change restarts the wait instead of starting a second rebuild', async () => {
    const { pool, schema, orgId } = pipeline.database;
    const hour = 3_600_000;
    await setTagKeys(pool, schema, ['stage'], true);
    await watch(hour);
    const handle = pipeline.client.workflow.getHandle(`settings:${orgId}:${sourceUuid}:${october}`);
    const timers = async () => {
      const { events } = await handle.fetchHistory();
      return events?.filter((event) => event.timerStartedEventAttributes != null).length;
    };
    await waitUntil(async () => (await timers()) === 1);
    const first = await handle.describe();
    await setTagKeys(pool, schema, ['environment'], true);
    await watch(hour);
    await watch(hour);
    await waitUntil(async () => (await timers()) === 2);
    const second = await handle.describe();
    expect(second.runId).toBe(first.runId);
    expect(await versions(pipeline, sourceUuid)).toEqual([3]);
    await handle.terminate('end of the test');
  });
});

describe('days of another writer', () => {
  test('are refused until they are adopted', async () => {
    const pipeline = await createTestPipeline();
    const sourceUuid = await pipeline.addSource(cluster);
    await query(
      pipeline,
      `insert into reporting_ocpusagelineitem_daily_summary (uuid, usage_start, usage_end, data_source, namespace, source_uuid, pod_usage_cpu_core_hours)
       values (gen_random_uuid(), '2026-10-01', '2026-10-01', 'Pod', 'theirs', $1, 7)`,
      [sourceUuid],
    );
    const payload = payloadPath('nise-full_day1');
    const refused = await pipeline.start({ payload });
    await expect(refused.handle.result()).rejects.toMatchObject({
      cause: {
        type: 'DayNotOurs',
        message: expect.stringContaining('ocp-pipeline source adopt --from 2026-10-01') as string,
      },
    });
    const theirs = `select namespace from reporting_ocpusagelineitem_daily_summary where source_uuid = $1 and namespace = 'theirs'`;
    expect(await query(pipeline, theirs, [sourceUuid])).toHaveLength(1);

    await adoptDays(
      pipeline.database.pool,
      { schema: pipeline.database.schema, sourceUuid },
      '2026-10-01' as UsageDay,
    );
    expect(await pipeline.ingest(payload)).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
    expect(await query(pipeline, theirs, [sourceUuid])).toHaveLength(0);
  });
});
