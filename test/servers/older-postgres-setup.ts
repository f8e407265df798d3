import type { TestProject } from 'vitest/node';
import { setup as setUpShared } from '../support/global-setup.ts';
import { startOlderPostgres } from './older-postgres.ts';
import type { PostgresVersion } from './older-postgres.ts';

/**
 * As the shared set-up, with an older PostgreSQL in place of the embedded one: 15, or what the configuration file says.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const version = Number(process.env['OCP_TEST_POSTGRES'] ?? 15) as PostgresVersion;
  const postgres = await startOlderPostgres(version);
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  try {
    const tearDown = await setUpShared(project);
    return async () => {
      await tearDown();
      await postgres.stop();
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
