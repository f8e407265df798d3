import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { atEnd } from '../support/at-end.ts';
import { createActivities } from '../../activities/index.ts';
import type { Activities } from '../../activities/index.ts';
import { firstDay, lastDay } from '../../domain/time/usage-day.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import type { RulesProfile } from '../../platform/config/config.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { enterInbox } from '../../payload/inbox.ts';
import { payloadKey } from '../../platform/object-store/object-keys.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { packPayload, withManifest } from '../support/archives.ts';
import type { Payload } from '../support/archives.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { enabledLabelKeys } from '../support/generated-cluster.ts';
import { testNow } from '../support/pipeline.ts';
import { inParallel } from '../../workflows/in-parallel.ts';

/** A cluster whose payloads are in staging. */
export interface StagedCluster {
  sourceUuid: string;
  months: BillingMonth[];
}

/**
 * The activities of a run one after the other, on real PostgreSQL and a real object store but without Temporal: many
 * generated payloads in little time. What depends on several runs is tested with whole workflows instead.
 */
export interface DirectPipeline {
  database: TestDatabase;
  /** register a cluster of its own and take its payload into staging */
  stage(payload: Payload): Promise<StagedCluster>;
  /** daily summary of whole months under a rules profile, rebuilt if it is there already */
  aggregate(cluster: StagedCluster, rules: RulesProfile): Promise<void>;
  /** compare the daily summary with staging; returns the number of checks that were not passed */
  validate(cluster: StagedCluster): Promise<number>;
  /** labels, tags and report tables of the days whose daily summary is newer */
  refresh(cluster: StagedCluster): Promise<void>;
  /** rows of the tenant schema */
  query<R extends object>(text: string, values: unknown[]): Promise<R[]>;
}

/** Create it; it ends with the file's tests. */
export async function createDirectPipeline(): Promise<DirectPipeline> {
  const database = await createTestDatabase();
  const { pool, schema, orgId, url } = database;
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-objects-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const objectStore = openObjectStore({ url: pathToFileURL(directory).href, s3: { endpoint: undefined } });
  const activitiesWith = (rules: RulesProfile): Activities => {
    const config = loadConfig({ OCP_NOW: testNow, OCP_RULES: rules });
    return createActivities({ pool, databaseUrl: url, objectStore, config, now: clock(config) });
  };
  const activities = activitiesWith('design');
  await setTagKeys(pool, schema, enabledLabelKeys, true);

  const stage = async (payload: Payload): Promise<StagedCluster> => {
    const clusterId = `cluster-${randomUUID().slice(0, 8)}`;
    const { sourceUuid } = await registerSource(
      { pool, databaseUrl: url, log: { info: () => undefined } },
      { orgId, clusterId, name: clusterId },
    );
    const requestId = randomUUID();
    const objectKey = payloadKey(orgId, requestId);
    const archive = await packPayload(withManifest(payload, { cluster_id: clusterId }));
    await objectStore.put(objectKey, Readable.from([archive]));
    const { id: inboxId } = await enterInbox(pool, {
      orgId,
      requestId,
      way: 'command',
      origin: 'file',
      awaitsStart: false,
      objectKey,
    });
    return { sourceUuid, months: await loadArchive(activities, { schema, inboxId, requestId }) };
  };
  return {
    database,
    stage,
    aggregate: async ({ sourceUuid, months }, rules) => {
      const { aggregateDays } = activitiesWith(rules);
      for (const month of months) {
        const force = { from: firstDay(month), until: lastDay(month) };
        await expectDone(() => run(aggregateDays, { schema, sourceUuid, month, force }));
      }
    },
    validate: async ({ sourceUuid, months }) => {
      let warningCount = 0;
      for (const month of months) {
        const validated = await run(activities.validateDays, { schema, sourceUuid, month });
        if (validated.outcome !== 'done')
          throw new Error(`expected days to be validated, found ${validated.outcome}`);
        warningCount += validated.warningCount;
      }
      return warningCount;
    },
    refresh: async ({ sourceUuid, months }) => {
      for (const month of months) {
        await expectDone(() => run(activities.applyTagMapping, { schema, sourceUuid, month }));
        await expectDone(() => run(activities.applyCostModel, { schema, sourceUuid, month }));
      }
    },
    query: async <R extends object>(text: string, values: unknown[]) =>
      inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows),
  };
}

/** A load holds one connection and borrows another, so all at once would wait for each other. */
const loadConcurrency = 4;

async function loadArchive(
  activities: Activities,
  { schema, inboxId, requestId }: { schema: string; inboxId: string; requestId: string },
): Promise<BillingMonth[]> {
  const downloaded = await run(activities.downloadPayload, { inboxId });
  if (downloaded.outcome === 'ignored') throw new Error(`the payload was ignored: ${downloaded.reason}`);
  const { manifestId, months } = await run(activities.splitPayload, { inboxId, payload: downloaded.payload });
  await run(activities.ensurePartitions, { schema, months });
  const { pieceIds } = await run(activities.pendingPieces, { schema, manifestId, requestId });
  await inParallel(pieceIds, loadConcurrency, (pieceId) =>
    run(activities.loadReportDay, { schema, pieceId }),
  );
  const { release } = await run(activities.completeManifest, { schema, manifestId, giveUpWaiting: false });
  if (release !== 'complete') throw new Error('the manifest was not released: files are missing');
  return months;
}

async function run<Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
): Promise<Result> {
  return new MockActivityEnvironment().run<[Input], Result, typeof activity>(activity, input);
}

/** Nobody else works on these sources and nothing is swept, so a step that is not done is a defect. */
async function expectDone(step: () => Promise<{ outcome: string }>): Promise<void> {
  const { outcome } = await step();
  if (outcome !== 'done') throw new Error(`expected the step to be done, found ${outcome}`);
}
