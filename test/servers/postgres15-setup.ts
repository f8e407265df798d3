import type { TestProject } from 'vitest/node';
import { setup as setUpShared } from '../support/global-setup.ts';
import { startPostgres15 } from './postgres15.ts';

/** As the shared set-up, with Debian's PostgreSQL 15 in place of the embedded one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres15();
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
