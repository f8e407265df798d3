import { NativeConnection } from '@temporalio/worker';
import { beforeAll, expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { clock } from '../../platform/config/config.ts';
import { startPipelineWorkers } from '../../workers/pipeline.ts';
import type { PipelineWorkers } from '../../workers/pipeline.ts';
import type { watchSettings } from '../../workflows/index.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Tenants beside the one of every test database. */
const tenantCount = 2_000;
/** Days that were summarised with other settings than the present ones. */
const changed = [7, 1_000, 2_000];
/** A function that the comparison needs is gone, and a table that it reads is held by somebody. */
const broken = 15;
const held = 1_234;
/** Stands still until a lock is let go. */
const hanging = 30;
const hangingLock = 30_303;

const schemaOf = (tenant: number) => `t${String(tenant).padStart(4, '0')}`;

let pipeline: TestPipeline;
const connections: NativeConnection[] = [];
const started: PipelineWorkers[] = [];

/**
 * Schemas with what the comparison reads and nothing else. The present settings of all are "present"; each look is
 * counted. Committed by hundreds: a transaction holds a lock for every relation that it creates.
 */
const tenantsSql = `
do $do$
declare
    tenant text;
begin
    create table public.look (schema_name text not null);
    for number in 1..${tenantCount} loop
        tenant := 't' || lpad(number::text, 4, '0');
        execute format('create schema %I', tenant);
        execute format('create table %I.ocp_day (like org1234567.ocp_day including defaults)', tenant);
        execute format('create table %I.ocp_source_month (like org1234567.ocp_source_month including defaults)', tenant);
        execute format(
            $function$
            create function %I.ocp_settings_hash(text, text) returns text language plpgsql as $$
            begin
                insert into public.look values (%L);
                if %L then
                    perform set_config('lock_timeout', '0', true), pg_advisory_xact_lock(${hangingLock});
                end if;
                return 'present';
            end
            $$
            $function$,
            tenant, tenant, number = ${hanging}
        );
        execute format(
            'create function %I.ocp_cost_settings_hash(uuid, date, date) returns text language sql as $$ select %L $$',
            tenant, 'present'
        );
        execute format(
            'create function %I.ocp_gpu_distribution(uuid, date, date) returns text language sql as $$ select null::text $$',
            tenant
        );
        insert into public.api_customer (date_created, date_updated, uuid, schema_name, org_id)
        values (now(), now(), gen_random_uuid(), tenant, tenant);
        insert into public.api_provider (uuid, name, type, setup_complete, active, paused)
        values (md5(tenant)::uuid, tenant, 'OCP', true, true, false);
        execute format(
            'insert into %I.ocp_day (source_uuid, usage_day, version, pieces_hash, settings_hash, rules)
             values (md5(%L)::uuid, %L, 1, %L, %L, %L)',
            tenant, tenant, '2026-11-03', 'pieces',
            case when number = any('{${changed.join(',')}}') then 'earlier' else 'present' end, 'design'
        );
        if number % 100 = 0 then
            commit;
        end if;
    end loop;
end
$do$`;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  const { pool, schema } = pipeline.database;
  // On a connection of its own: the pool runs each statement in a transaction, in which nothing can be committed.
  const client = await pool.connect();
  try {
    await client.query(tenantsSql.replaceAll('org1234567', schema));
  } finally {
    client.release();
  }
  await pool.query(`drop function ${schemaOf(broken)}.ocp_settings_hash(text, text)`);
  atEnd(async () => {
    for (const workers of started) workers.stop();
    for (const workers of started) await workers.finished;
    for (const connection of connections) await connection.close();
  });
}, 240_000);

async function anotherWorker(): Promise<void> {
  const { database, objectStore, config, namespace } = pipeline;
  const connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  connections.push(connection);
  started.push(
    await startPipelineWorkers({
      connection,
      namespace,
      workflowBundlePath: inject('workflowBundlePath'),
      graceMs: 2_000,
      dependencies: {
        pool: database.pool,
        databaseUrl: database.url,
        objectStore,
        config,
        now: clock(config),
      },
    }),
  );
}

const looks = async () => {
  const { rows } = await pipeline.database.pool.query<{ schema: string; n: number }>(
    'select schema_name as schema, count(*)::int as n from public.look group by 1',
  );
  return new Map(rows.map(({ schema, n }) => [schema, n]));
};

test('every one of 2,000 tenants is compared once, although one hangs, two fail and the worker is replaced', async () => {
  const { pool } = pipeline.database;
  const holder = await pool.connect();
  await holder.query(`begin; lock table ${schemaOf(held)}.ocp_day in access exclusive mode`);
  await holder.query(`select pg_advisory_lock(${hangingLock})`);
  const handle = await pipeline.client.workflow.start<typeof watchSettings>('watchSettings', {
    workflowId: 'watch-many',
    taskQueue: taskQueues.pipeline,
    args: [{ delayMs: 3_600_000 }],
  });
  const isHanging = async () =>
    (
      await pool.query(
        `select from pg_locks where locktype = 'advisory' and objid = ${hangingLock} and not granted`,
      )
    ).rows.length > 0;
  // The tenant that hangs, for ten seconds at most, is among the first fifty, one batch; the other batches go on.
  await waitUntil(async () => (await isHanging()) && (await looks()).size > 60, 60_000);
  expect(await isHanging()).toBe(true);

  // The worker goes, in the midst of several batches; the next one goes on behind what was done.
  pipeline.workers.stop();
  await pipeline.workers.finished;
  const before = await looks();
  expect(before.get(schemaOf(hanging))).toBeUndefined();
  expect(before.size).toBeLessThan(tenantCount);
  await holder.query(`select pg_advisory_unlock(${hangingLock})`);
  await anotherWorker();

  const failure: unknown = await handle.result().then(
    () => undefined,
    (error: unknown) => error,
  );
  await holder.query('rollback');
  holder.release();
  expect(failure).toMatchObject({
    cause: {
      type: 'CleanupIncomplete',
      details: [
        {
          tenantCount,
          sourceCount: changed.length,
          failedTenants: [
            { orgId: schemaOf(broken), reason: expect.stringContaining('ocp_settings_hash') as string },
            { orgId: schemaOf(held), reason: expect.stringContaining('lock timeout') as string },
          ],
        },
      ],
    },
  });
  const done = await looks();
  expect([...done].filter(([, n]) => n !== 1)).toEqual([]);
  expect(done.size).toBe(tenantCount - 2);
  const { rows } = await pool.query<{ schema: string; uuid: string }>(
    `select name as schema, uuid from public.api_provider where name = any($1)`,
    [changed.map(schemaOf)],
  );
  for (const { schema, uuid } of rows) {
    const rebuild = pipeline.client.workflow.getHandle(`settings:${schema}:${uuid}:2026-11`);
    expect((await rebuild.describe()).status.name).toBe('RUNNING');
    await rebuild.terminate('end of the test');
  }
  expect(rows).toHaveLength(changed.length);
  // 2,000 tenants in 40 batches: far from the 4,096 events at which the server asks for a new history.
  const { events } = await handle.fetchHistory();
  expect(events?.length).toBeLessThan(500);
}, 300_000);
