import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { inject } from 'vitest';
import { atEnd } from './at-end.ts';
import { openPool } from '../../platform/database/database.ts';
import { databaseUrl, onServer, testOrg } from './template-database.ts';

/** A migrated database of this test file's own, with one tenant schema. */
export interface TestDatabase {
  url: string;
  schema: string;
  orgId: string;
  pool: Pool;
}

/** Clone the migrated template. The database is dropped when the file's tests have ended. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await cloneTemplate(serverUrl, name);
  const url = databaseUrl(serverUrl, name);
  const pool = openPool({ url, size: 20, applicationName: 'test' });
  atEnd(async () => {
    await pool.end();
    await onServer(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`));
  });
  return { url, pool, ...testOrg };
}

/** Only one clone at a time can read a template, so clones queue behind a lock instead of failing. */
async function cloneTemplate(serverUrl: string, name: string): Promise<void> {
  await onServer(serverUrl, async (client) => {
    await client.query('select pg_advisory_lock(7201)');
    // Copying files takes a third of the time that copying blocks through the log does.
    await client.query(`create database ${name} template ${inject('templateDatabase')} strategy file_copy`);
  });
}
