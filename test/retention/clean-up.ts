import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { atEnd } from '../support/at-end.ts';
import type { ActivityDependencies } from '../../activities/index.ts';
import { purgeTenant } from '../../activities/purge-expired.ts';
import { sweepTenant } from '../../activities/sweep-staging.ts';
import type { SweepTenantInput } from '../../activities/sweep-staging.ts';
import type { PurgedTenant, SweptTenant } from '../../domain/run/cleanup.ts';
import { reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import type { TestDatabase } from '../support/database.ts';

export const stagingTables = reportKinds.map(stagingTableOf);

/** Cleanups of the test tenant, run as activities at times of the test's choice. */
export interface CleanUp {
  objectStore: ObjectStore;
  sweep(now: string, input?: Partial<SweepTenantInput>): Promise<SweptTenant>;
  purge(now: string, environment?: Record<string, string>): Promise<PurgedTenant>;
}

/** Set up cleanups of a database, with an object store of their own; `now` is given as `OCP_NOW`. */
export async function createCleanUp(database: TestDatabase): Promise<CleanUp> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-cleanup-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const objectStore = openObjectStore({ url: pathToFileURL(directory).href, s3: { endpoint: undefined } });
  const dependencies = (environment: Record<string, string>): ActivityDependencies => {
    const config = loadConfig(environment);
    return { pool: database.pool, databaseUrl: database.url, objectStore, config, now: clock(config) };
  };
  const { orgId, schema } = database;
  return {
    objectStore,
    sweep: (now, input = {}) =>
      silentEnvironment().run(() => sweepTenant(dependencies({ OCP_NOW: now }), { orgId, schema, ...input })),
    purge: (now, environment = {}) =>
      silentEnvironment().run(() =>
        purgeTenant(dependencies({ OCP_NOW: now, ...environment }), { orgId, schema }),
      ),
  };
}

function silentEnvironment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
}

/** Names of the partitions of a table of the tenant. */
export async function partitionsOf(database: TestDatabase, table: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select child.relname as name
     from pg_inherits as inheritance
     join pg_class as child on child.oid = inheritance.inhrelid
     where inheritance.inhparent = ($1 || '.' || $2)::regclass
     order by 1`,
    [database.schema, table],
  );
  return rows.map(({ name }) => name);
}
