import type { WorkflowHandle } from '@temporalio/client';
import { beforeAll, expect, inject, test } from 'vitest';
import { relationTables } from '../../domain/reports/relations.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createArchiveFolder, readPayload } from '../support/archives.ts';
import { startProgram } from '../support/command-line.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { catalog } from '../support/trino-server.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { untilBlocked } from '../workflows/operator/temporal-ui.ts';
import { createCatalog } from './catalogs.ts';
import { trinoEnvironment } from './lake.ts';

/* Trino is well, and refuses what a run asks of it, because a setting is wrong. */
const trino = new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog });
let pipeline: TestPipeline;
let environment: Record<string, string>;
let archive: string;
let manifestUuid: string;

beforeAll(async () => {
  environment = {
    ...(await trinoEnvironment()),
    OCP_POSTGRES_PIPELINE: 'false',
    TRINO_CATALOG: 'no_such_catalog',
  };
  pipeline = await createTestPipeline(environment);
  const payload = podFileAlone(await readPayload('operator-sample'), 'web');
  await pipeline.addSource(payload.manifest['cluster_id'] as string);
  manifestUuid = payload.manifest['uuid'] as string;
  archive = await (await createArchiveFolder()).pack(payload);
});

/** Rows of the daily relations and of the summary that is made from them. */
async function rowCounts(): Promise<Record<string, number>> {
  const names = [...relationTables, 'reporting_ocpusagelineitem_daily_summary'];
  const counts = names.map((name) => `(select count(*) from ${name}) as ${name}`);
  const { pool, schema } = pipeline.database;
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<Record<string, number>>(`select ${counts.join(', ')}`),
  );
  return Object.fromEntries(Object.entries(rows[0] ?? {}).filter(([, count]) => count > 0));
}

async function greatestAttempt(run: WorkflowHandle): Promise<number> {
  const { events } = await run.fetchHistory();
  return Math.max(...(events ?? []).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0));
}

test('a wrong catalog, then missing rights: the run is blocked, says what to do, and nothing is in the tables', async () => {
  const { handle } = await pipeline.start({ payload: archive });
  const nowhere = await untilBlocked(handle);
  expect(nowhere).toMatchObject({ step: 'aggregateDays', errorType: 'TrinoFailed', canSkip: false });
  expect(nowhere.message).toMatch(
    /^Trino query \w+ failed: .*'no_such_catalog' not found \(CATALOG_NOT_FOUND\); .*, or set TRINO_CATALOG$/,
  );

  const retry = (failureId: string) =>
    handle.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'retry' }] });
  await pipeline.restartWorkers({
    TRINO_CATALOG: await createCatalog(trino, { 'hive.security': 'read-only' }),
  });
  await retry(nowhere.failureId);
  const readOnly = await untilBlocked(handle);
  expect(readOnly.message).toMatch(
    /^Trino query \w+ failed: Access Denied: .*\(PERMISSION_DENIED\); .*TRINO_USER.* in the catalog$/,
  );
  expect(await greatestAttempt(handle)).toBe(1);
  expect(await rowCounts()).toEqual({});

  // Once the setting is right:
  await pipeline.restartWorkers({ TRINO_CATALOG: catalog });
  const decided = await startProgram(['replay', manifestUuid, '--decide', 'retry'], {
    ...environment,
    DATABASE_URL: pipeline.database.url,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: pipeline.namespace,
    OCP_NOW: pipeline.config.OCP_NOW ?? '',
  }).ended;
  expect(decided.code, decided.stderr).toBe(0);
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  expect(Object.keys(await rowCounts())).toContain('reporting_ocpusagelineitem_daily_summary');
});
