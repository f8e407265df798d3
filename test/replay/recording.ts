import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { resummarize } from '../../workflows/index.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { TemporalUi, untilBlocked } from '../workflows/operator/temporal-ui.ts';
import type { Run } from '../workflows/operator/temporal-ui.ts';

/** The month of the payloads. */
export const month = billingMonth('2026-10');

/** What scenarios are made of. */
export interface Recording {
  pipeline: TestPipeline;
  ui: TemporalUi;
  folder: ArchiveFolder;
  sample: Payload;
  small: Payload;
  /** more bad rows than a file may have */
  badRows: Payload;
  /** Register a cluster and start a run of a payload of it. */
  start: (cluster: string, payload: Payload, on?: TestPipeline) => Promise<{ run: Run; sourceUuid: string }>;
}

/** A pipeline of its own, and payloads. */
export async function createRecording(): Promise<Recording> {
  const pipeline = await createTestPipeline();
  const folder = await createArchiveFolder();
  const sample = await readPayload('operator-sample');
  const small = podFileAlone(sample, 'app');
  const [[name, csv] = ['', '']] = small.files;
  return {
    pipeline,
    ui: new TemporalUi(pipeline),
    folder,
    sample,
    small,
    badRows: { ...small, files: new Map([[name, csv + 'bad\n'.repeat(150)]]) },
    start: async (cluster, payload, on = pipeline) => {
      const sourceUuid = await on.addSource(cluster);
      const archive = await folder.pack(withManifest(payload, { cluster_id: cluster }));
      return { run: (await on.start({ payload: archive })).handle, sourceUuid };
    },
  };
}

/** Run a statement in the tenant's schema. */
export async function inTenant({ database }: TestPipeline, statement: string): Promise<void> {
  await inTenantTransaction(database.pool, database.schema, (client) => client.query(statement));
}

/** Wait until the run is blocked, and decide. */
export async function decide(run: Run, action: 'retry' | 'skip' | 'abandon'): Promise<void> {
  const { failureId } = await untilBlocked(run);
  await run.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action, note: 'recorded' }] });
}

/** Wait until the history has an event with these attributes. */
export async function waitForEvent(
  run: { fetchHistory: Run['fetchHistory'] },
  attributes: string,
): Promise<void> {
  await waitUntil(async () => {
    const { events } = await run.fetchHistory();
    return (
      events?.some((event) => (event as unknown as Record<string, unknown>)[attributes] != null) === true
    );
  });
}

/** Start a rebuild of the month. */
export async function rebuild(
  on: TestPipeline,
  sourceUuid: string,
  more: { delayMs?: number; settingsHash?: string } = {},
) {
  const { orgId, schema } = on.database;
  return on.client.workflow.start<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month, ...more, options: { retryInitialMs: 50, retryMaxMs: 500 } }],
  });
}
