import type { WorkflowHandle } from '@temporalio/client';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import type { resummarize } from '../../workflows/index.ts';
import type { TestPipeline } from '../support/pipeline.ts';

/** The month of the sample payload. */
export const october = billingMonth('2026-10');

/** Tables with what the relations add up to, of each report. */
export const measuredTables = [
  'reporting_ocpusagelineitem_daily_summary',
  'reporting_ocp_pod_summary_p',
  'reporting_ocp_volume_summary_p',
  'reporting_ocp_gpu_summary_p',
  'reporting_ocp_vm_summary_p',
] as const;

/** Change settings of the organisation of a pipeline, as `tenant set` does. */
export async function choose({ database }: TestPipeline, ...settings: [string, string][]): Promise<void> {
  await setTenantSettings(database.pool, database.orgId, settings);
}

/** Begin to rebuild October of a source. */
export function startRebuild(
  { client, database: { orgId, schema } }: TestPipeline,
  sourceUuid: string,
): Promise<WorkflowHandle<typeof resummarize>> {
  return client.workflow.start<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month: october }],
  });
}

/** Rebuild October of a source: a whole month, which moves to the engine of its organisation. */
export async function rebuild(pipeline: TestPipeline, sourceUuid: string): Promise<void> {
  await (await startRebuild(pipeline, sourceUuid)).result();
}
