import { WorkflowFailedError } from '@temporalio/client';
import { DefaultLogger } from '@temporalio/worker';
import type { ApplicationFailure } from '@temporalio/common';
import { beforeEach, expect, test } from 'vitest';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { applyTagMapping } from '../../activities/apply-tag-mapping.ts';
import { checkCloudInfrastructure } from '../../activities/check-cloud-infrastructure.ts';
import { loadReportDay } from '../../activities/load-report-day.ts';
import { recordCompletion } from '../../activities/record-completion.ts';
import { applyCostModel } from '../../activities/apply-cost-model.ts';
import { validateDays } from '../../activities/validate-days.ts';
import { splitPayload } from '../../activities/split-payload.ts';
import type { DownloadPayloadResult } from '../../activities/download-payload.ts';
import { downloadPayload } from '../../activities/download-payload.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { holdTable } from '../support/held-load.ts';
import { waitUntil } from '../support/wait-until.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { MockActivityEnvironment } from '@temporalio/testing';
import { clock } from '../../platform/config/config.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';

const october = billingMonth('2026-10');
const silent = new DefaultLogger('ERROR', () => undefined);

let pipeline: TestPipeline;
let archive: string;
let sourceUuid: string;
beforeEach(async () => {
  pipeline = await createTestPipeline();
  const folder = await createArchiveFolder();
  const payload = buildPayload(rowsOf(steadyCluster, hoursBetween('2026-10-06 00:00', '2026-10-06 03:00')));
  archive = await folder.pack(withManifest(payload, { cluster_id: 'vanishing' }));
  sourceUuid = await pipeline.addSource('vanishing', 'Gone Soon');
});

const registerAgain = () =>
  `ocp-pipeline source add --org ${pipeline.database.orgId} --cluster vanishing --name "Gone Soon"`;

async function failureOf(run: Promise<unknown>): Promise<Partial<ApplicationFailure>> {
  return run.then(
    () => ({}),
    (error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error) as ApplicationFailure,
  );
}

/** As Koku deletes a source, the only one of its tenant: with all that refers to it in its own tables. */
async function deleteSource(): Promise<void> {
  const { pool, schema } = pipeline.database;
  await pool.query(`truncate ${schema}.reporting_tenant_api_provider cascade`);
  await pool.query(
    `truncate public.reporting_common_costusagereportmanifest, public.reporting_common_costusagereportstatus`,
  );
  await pool.query('delete from public.api_sources where provider_id = $1', [sourceUuid]);
  await pool.query('delete from public.api_provider where uuid = $1', [sourceUuid]);
}

/** The run's activities, called one after the other so that something can happen between them. */
function activities() {
  const { database, objectStore, config } = pipeline;
  const { pool, url: databaseUrl } = database;
  const deps = { pool, databaseUrl, objectStore, config, now: clock(config) };
  const ofMonth = { schema: database.schema, sourceUuid, month: october };
  const run = <T>(work: () => Promise<T>): Promise<T> =>
    new MockActivityEnvironment({}, { logger: silent }).run(work);
  return {
    download: (inboxId: string) => run(() => downloadPayload(deps, { inboxId })),
    split: (inboxId: string, payload: Extract<DownloadPayloadResult, { outcome: 'accepted' }>['payload']) =>
      run(() => splitPayload(deps, { inboxId, payload })),
    aggregate: () => run(() => aggregateDays(deps, ofMonth)),
    load: (pieceId: number) => run(() => loadReportDay(deps, { schema: database.schema, pieceId })),
    /** what follows the aggregation, in the order of a run */
    later: (manifestId: number): [step: string, work: () => Promise<unknown>][] => [
      ['applyTagMapping', () => run(() => applyTagMapping(deps, ofMonth))],
      ['applyCostModel', () => run(() => applyCostModel(deps, ofMonth))],
      ['checkCloudInfrastructure', () => run(() => checkCloudInfrastructure(deps, ofMonth))],
      ['validateDays', () => run(() => validateDays(deps, ofMonth))],
      [
        'recordCompletion',
        () =>
          run(() =>
            recordCompletion(deps, { schema: database.schema, manifestId, sourceUuid, months: [october] }),
          ),
      ],
    ],
  };
}

async function acceptedPayload() {
  await pipeline.ingest(archive);
  const { rows } = await pipeline.database.pool.query<{ id: string }>('select id from public.payload_inbox');
  const inboxId = rows[0]?.id ?? '';
  const downloaded = await activities().download(inboxId);
  if (downloaded.outcome !== 'accepted') throw new Error(downloaded.reason);
  return { inboxId, payload: downloaded.payload };
}

test('a source that is deleted before the split is told with the command that registers it again', async () => {
  const { inboxId, payload } = await acceptedPayload();
  await deleteSource();
  const failure = await failureOf(activities().split(inboxId, payload));
  expect(failure).toMatchObject({ type: 'SourceVanished', retryable: false });
  expect(failure.message).toContain(`source ${sourceUuid} was deleted during the run`);
  expect(failure.message).toContain(registerAgain());
});

test('a source that is deleted before the aggregation is told, and not taken for a month without data', async () => {
  await acceptedPayload();
  await deleteSource();
  expect(await failureOf(activities().aggregate())).toMatchObject({
    type: 'SourceVanished',
    retryable: false,
  });
});

test('each step behind the aggregation tells that the source was deleted, in the tenant or altogether', async () => {
  await acceptedPayload();
  const { pool, schema } = pipeline.database;
  const { rows } = await pool.query<{ manifest_id: number; piece_id: number }>(
    `select manifest_id, piece_id from ${schema}.ocp_piece order by piece_id limit 1`,
  );
  const { manifest_id: manifestId = 0, piece_id: pieceId = 0 } = rows[0] ?? {};
  const steps = activities().later(manifestId);
  for (const [step, work] of steps)
    expect(await failureOf(work()), `${step} of a source that is there`).toEqual({});

  await pool.query(`truncate ${schema}.reporting_tenant_api_provider cascade`);
  for (const [step, work] of steps) {
    const failure = await failureOf(work());
    expect(failure, step).toMatchObject({ type: 'SourceVanished', retryable: false });
    expect(failure.message, step).toContain(`not in schema ${schema}`);
  }
  await pool.query(`delete from ${schema}.ocp_piece`);
  expect(await failureOf(activities().load(pieceId))).toMatchObject({ type: 'SourceVanished' });

  await deleteSource();
  for (const [step, work] of steps) {
    const failure = await failureOf(work());
    expect(failure, step).toMatchObject({ type: 'SourceVanished', retryable: false });
    expect(failure.message, step).toContain(`source ${sourceUuid} was deleted during the run`);
  }
});

test('a run whose source is deleted while its labels are summarised does not end as completed', async () => {
  const { pool, schema } = pipeline.database;
  const hold = await holdTable(pipeline.database, 'reporting_ocpusagepodlabel_summary');
  const { handle } = await pipeline.start({ payload: archive });
  await waitUntil(async () => {
    const { rows } = await pool.query(
      `select from pg_locks where relation = '${schema}.reporting_ocpusagepodlabel_summary'::regclass and not granted`,
    );
    return rows.length > 0;
  });
  // Row by row, because the run holds locks of the tables; without their keys, as a forced deletion does it.
  await inTenantTransaction(pool, schema, async (client) => {
    await client.query('set local session_replication_role = replica');
    await client.query('delete from reporting_tenant_api_provider where uuid = $1', [sourceUuid]);
    await client.query('delete from public.reporting_common_costusagereportmanifest');
    await client.query('delete from public.api_provider where uuid = $1', [sourceUuid]);
  });
  await hold.release();
  const failure = await failureOf(handle.result());
  expect(failure).toMatchObject({ type: 'SourceVanished' });
  expect(failure.message).toContain(`source ${sourceUuid} was deleted during the run`);
});

test('a source that comes back under its own id gets its payload again', async () => {
  await acceptedPayload();
  await deleteSource();
  await pipeline.database.pool.query(`delete from public.ingest_failure`);
  const { pool, url: databaseUrl, orgId } = pipeline.database;
  await registerSource(
    { pool, databaseUrl, log: { info: () => undefined } },
    { orgId, clusterId: 'vanishing', name: 'Back', sourceUuid },
  );
  const again = await pipeline.ingest(archive, { again: true });
  expect(again).toMatchObject({ outcome: 'completed', release: 'complete' });
  const { rows } = await pool.query<{ status: number }>(
    'select status from public.reporting_common_costusagereportstatus order by id',
  );
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.every(({ status }) => status === 1)).toBe(true);
});

test('a dropped schema is made anew, and then the run says that the source has to be registered again', async () => {
  const { pool, schema } = pipeline.database;
  await pool.query(`drop schema ${schema} cascade`);
  const failure = await failureOf(pipeline.ingest(archive));
  expect(failure).toMatchObject({ type: 'SourceVanished' });
  expect(failure.message).toContain(`not in schema ${schema}`);
  expect(failure.message).toContain(registerAgain());
  await pipeline.addSource('vanishing', 'Gone Soon');
  expect(await pipeline.ingest(archive, { again: true })).toMatchObject({
    outcome: 'completed',
    daysSummarised: 1,
  });
});
