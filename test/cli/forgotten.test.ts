import { beforeAll, expect, test } from 'vitest';
import type { RunEnd } from '../../cli/follow-run.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { createTestDatabase } from '../support/database.ts';
import { payloadPath } from '../support/fixtures.ts';

let cli: CommandLine;
beforeAll(async () => {
  cli = await createCommandLine();
});

async function ingest(environment: Record<string, string> = {}) {
  const args = ['ingest', payloadPath('operator-sample'), '--org', cli.database.orgId];
  const { code, stdout, stderr } = await cli.run(
    [...args, '--register', '--with-worker', '--json'],
    environment,
  );
  expect(code, stderr).toBe(0);
  return { ends: JSON.parse(stdout) as RunEnd[], stderr };
}

test('a payload that Temporal remembers is believed only when the database holds it', async () => {
  const startedAgain =
    'Temporal recorded it as ingested, but this database does not contain it; started again';
  expect((await ingest()).ends).toMatchObject([{ outcome: 'completed', result: { rowCount: 20 } }]);
  const known = await ingest();
  expect(known.ends).toMatchObject([{ outcome: 'already ingested' }]);
  expect(known.stderr).not.toContain('started again');

  // A new database with the same Temporal.
  const other = await createTestDatabase();
  const elsewhere = await ingest({ DATABASE_URL: other.url });
  expect(elsewhere.ends).toMatchObject([
    { outcome: 'completed', result: { rowCount: 20, daysSummarised: 1 } },
  ]);
  expect(elsewhere.stderr).toContain(startedAgain);
  expect((await ingest({ DATABASE_URL: other.url })).ends).toMatchObject([{ outcome: 'already ingested' }]);

  // A backup from before the payload's rows were loaded: the archive is recorded, its pieces wait.
  const { pool, schema } = cli.database;
  await inTenantTransaction(pool, schema, (client) =>
    client.query(`update ocp_piece set state = 'registered', staged_checksum = null, processed_at = null`),
  );
  const restored = await ingest();
  expect(restored.ends).toMatchObject([{ outcome: 'completed' }]);
  expect(restored.stderr).toContain(startedAgain);

  // A backup from before the payload came.
  await inTenantTransaction(pool, schema, (client) => client.query('delete from ocp_manifest'));
  const older = await ingest();
  expect(older.ends).toMatchObject([{ outcome: 'completed' }]);
  expect(older.stderr).toContain(startedAgain);
});
