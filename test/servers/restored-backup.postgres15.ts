import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { payloadPath } from '../support/fixtures.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { onServer } from '../support/template-database.ts';

const run = promisify(execFile);
const binaries = '/usr/lib/postgresql/15/bin';
const cluster = 'my-ocp-cluster-small';

test('a restored backup and the archived payloads that came since make the same tables', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-backup-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const backup = join(directory, 'backup');
  const pipeline = await createTestPipeline();
  const { database, config } = pipeline;
  const sourceUuid = await pipeline.addSource(cluster);
  await pipeline.ingest(payloadPath('nise-full_day1'), { requestId: 'before' });
  await run(join(binaries, 'pg_dump'), ['--format=custom', `--file=${backup}`, database.url]);
  const backedUp = await snapshotTables(database, sourceUuid);
  const { daysSummarised } = await pipeline.ingest(payloadPath('nise-small'), { requestId: 'since' });
  expect(daysSummarised).toBeGreaterThan(0);
  const lost = await snapshotTables(database, sourceUuid);

  const name = new URL(database.url).pathname.slice(1);
  await onServer(inject('postgresUrl'), async (client) => {
    await client.query(`drop database ${name} with (force)`);
    await client.query(`create database ${name}`);
  });
  await run(join(binaries, 'pg_restore'), ['--exit-on-error', `--dbname=${database.url}`, backup]);
  expectSameTables(await snapshotTables(database, sourceUuid), backedUp);

  const archived = (requestId: string) =>
    join(fileURLToPath(config.OBJECT_STORE ?? ''), 'payloads', database.orgId, `${requestId}.tar.gz`);
  expect(await pipeline.ingest(archived('since'), { again: true })).toMatchObject({ daysSummarised });
  expectSameTables(await snapshotTables(database, sourceUuid), lost);
  // One too many changes nothing.
  expect(await pipeline.ingest(archived('before'), { again: true })).toMatchObject({ daysSummarised: 0 });
  expectSameTables(await snapshotTables(database, sourceUuid), lost);
});
