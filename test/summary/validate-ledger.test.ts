import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeAll, expect, test } from 'vitest';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { validateDays } from '../../activities/validate-days.ts';
import type { ValidateDaysResult } from '../../activities/validate-days.ts';
import { reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import { listValidationWarnings } from '../../summary/validation-warnings.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { dependenciesOf, month } from './labelled-days.ts';

const day = '2026-10-01';
const nothingBehind = { outcome: 'done', dayCount: 0, warningCount: 0 };
const oneClean = { outcome: 'done', dayCount: 1, warningCount: 0 };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

/** A source with one pod, one volume and one VM piece on one day, summarised. */
async function summarisedSource(on = database): Promise<StagedSource> {
  const source = await createStagedSource(on, month);
  await source.stage('pod_usage', day, [
    {
      hour: 0,
      pod: 'web',
      namespace: 'shop',
      node: 'w1',
      label_set_id: {},
      pod_usage_cpu_core_seconds: 3600,
    },
  ]);
  await source.stage('storage_usage', day, [
    {
      hour: 0,
      namespace: 'shop',
      pod: 'web',
      persistentvolumeclaim: 'data',
      persistentvolume: 'pv1',
      persistentvolume_label_set_id: {},
      persistentvolumeclaim_label_set_id: {},
    },
  ]);
  await source.stage('vm_usage', day, []);
  await aggregate(source);
  return source;
}

async function aggregate(source: StagedSource): Promise<void> {
  const { schema } = source.database;
  const input = { schema, sourceUuid: source.sourceUuid, month };
  const result = await new MockActivityEnvironment().run(() =>
    aggregateDays(dependenciesOf(source.database), input),
  );
  expect(result).toMatchObject({ outcome: 'done', dayCount: 1 });
}

async function validate(source: StagedSource): Promise<ValidateDaysResult> {
  const input = { schema: source.database.schema, sourceUuid: source.sourceUuid, month };
  return new MockActivityEnvironment().run(() => validateDays(dependenciesOf(source.database), input));
}

test('pieces that were swept are not asked for: the daily relations are read', async () => {
  const source = await summarisedSource();
  await source.query(`update ocp_piece set state = 'swept' where source_uuid = $1`, [source.sourceUuid]);
  for (const kind of reportKinds)
    await source.query(`delete from ${stagingTableOf(kind)} where source_uuid = $1`, [source.sourceUuid]);
  expect(await validate(source)).toEqual(oneClean);
  expect(await validate(source)).toEqual(nothingBehind);
});

test('while another transaction rewrites the source the answer is busy', async () => {
  const source = await summarisedSource();
  await inTenantTransaction(database.pool, database.schema, async (client) => {
    expect(await tryLock(client, 'source', source.sourceUuid)).toBe(true);
    expect(await validate(source)).toEqual({ outcome: 'busy' });
  });
  expect(await validate(source)).toEqual(oneClean);
});

test('a day whose pieces or settings changed since is left for the run that rebuilds it', async () => {
  const source = await summarisedSource(await createTestDatabase());
  await source.enableKeys('app');
  expect(await validate(source)).toEqual(nothingBehind);
  await aggregate(source);
  await source.query(
    `update ocp_piece set checksum = 'newer', staged_checksum = 'newer'
     where source_uuid = $1 and report_kind = 'pod_usage'`,
    [source.sourceUuid],
  );
  expect(await validate(source)).toEqual(nothingBehind);
  await aggregate(source);
  expect(await validate(source)).toEqual(oneClean);
});

test('a day that lost all its pieces is validated as empty', async () => {
  const source = await summarisedSource();
  const { sourceUuid } = source;
  await source.query(`update ocp_piece set state = 'abandoned' where source_uuid = $1`, [sourceUuid]);
  await aggregate(source);
  await source.query(
    `insert into reporting_ocpusagelineitem_daily_summary (
         uuid, report_period_id, usage_start, usage_end, source_uuid, data_source, namespace, node, pod_usage_cpu_core_hours
     )
     values (gen_random_uuid(), $1, $2, $2, $3, 'Pod', 'shop', 'w1', 2)`,
    [source.reportPeriodId, day, sourceUuid],
  );
  expect(await validate(source)).toEqual({ outcome: 'done', dayCount: 1, warningCount: 2 });
  const found = await listValidationWarnings(database.pool, database.schema, { sourceUuid, limit: 10 });
  expect(found).toMatchObject([
    { checkName: 'pod_rows', expected: 0, found: 1, version: 2 },
    { checkName: 'pod_usage_cpu_core_hours', expected: 0, found: 2, version: 2 },
  ]);
});
