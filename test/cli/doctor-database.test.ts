import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { postgresUrl, startPostgres, stopPostgres } from '../../dev-stack/postgres-server.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { onServer } from '../support/template-database.ts';

let cli: CommandLine;
let stopStandby = async () => Promise.resolve();
beforeAll(async () => {
  cli = await createCommandLine();
});
afterAll(() => stopStandby());

interface Check {
  what: string;
  ok: boolean;
  found: string;
  repair?: string;
}

async function doctor(databaseUrl: string): Promise<Check[]> {
  const { code, stdout } = await cli.run(['doctor', '--json'], { DATABASE_URL: databaseUrl });
  expect(code).toBe(1);
  return JSON.parse(stdout) as Check[];
}

test('a database that somebody declared read-only is told, with the way back', async () => {
  const { url } = cli.database;
  const name = new URL(url).pathname.slice(1);
  await onServer(url, (client) =>
    client.query(`alter database ${name} set default_transaction_read_only = on`),
  );
  expect((await doctor(url)).find(({ what }) => what === 'writing to the database')).toEqual({
    what: 'writing to the database',
    ok: false,
    found:
      'default_transaction_read_only is on (set by: database): the database was declared read-only, ' +
      'and this program writes to it all the same',
    repair:
      `stop the workers, or undo it: alter database "${name}" reset default_transaction_read_only ` +
      '(or alter role …, alter system …)',
  });
});

test('functions that somebody dropped are told with the command that makes them again', async () => {
  const { url, pool, schema, orgId } = cli.database;
  await cli.run(['source', 'add', '--org', orgId, '--cluster', 'dropped', '--name', 'dropped']);
  await pool.query(`drop function ${schema}.ocp_enabled_keys()`);
  await pool.query(
    `create or replace function ${schema}.ocp_staging_table(p_report_kind text) returns text
     language sql immutable parallel safe as $$ select 'somewhere_else' $$`,
  );
  const ofSchema = async () => (await doctor(url)).find(({ what }) => what === `schema ${schema}`);
  expect(await ofSchema()).toEqual({
    what: `schema ${schema}`,
    ok: false,
    found: 'functions are missing: ocp_enabled_keys; functions were changed by hand: ocp_staging_table',
    repair: 'ocp-pipeline migrate',
  });
  expect((await cli.run(['migrate'])).code).toBe(0);
  expect(await ofSchema()).toMatchObject({ ok: true });
});

test('a role of the read API that may do too little or too much is told', async () => {
  const { url } = cli.database;
  const rolesOf = async (readUrl: string) => {
    const { stdout } = await cli.run(['doctor', '--json'], { DATABASE_URL: url, READ_DATABASE_URL: readUrl });
    return (JSON.parse(stdout) as Check[]).filter(({ what }) => what === 'role of the read API');
  };
  const [owner] = await rolesOf(url);
  expect(owner).toMatchObject({
    ok: false,
    found: expect.stringMatching(/^postgres may write org1234567\.\S+, .* and \d+ more tables$/) as string,
    repair: expect.stringContaining('docs/api.md') as string,
  });
  const wrong = new URL(url);
  wrong.username = 'nobody';
  expect(await rolesOf(wrong.href)).toMatchObject([
    { ok: false, found: expect.stringMatching(/nobody/) as string },
  ]);
});

test('a database from before the first release, and one whose public is behind, are reported with the remedy', async () => {
  const { url, pool } = cli.database;
  await pool.query(`update ocp_migration set name = '000004_intake' where name = '000020_payload_inbox'`);
  expect((await doctor(url)).find(({ what }) => what === 'tenant schemas')).toEqual({
    what: 'tenant schemas',
    ok: false,
    found:
      'Schema "public" was created by ocp-pipeline 0.1.0, before the first release (it has migration ' +
      '000004_intake), and cannot be migrated to this version; create a new database, set DATABASE_URL to it and ' +
      'ingest the payloads again',
    repair: 'as said there, then run doctor again',
  });
  await pool.query(`update ocp_migration set name = '000020_payload_inbox' where name = '000004_intake'`);
  const { rows } = await pool.query<{ name: string }>(
    'delete from ocp_migration where id = (select max(id) from ocp_migration) returning name',
  );
  expect((await doctor(url)).find(({ what }) => what === 'schema public')).toEqual({
    what: 'schema public',
    ok: false,
    found: 'behind this version',
    repair: 'ocp-pipeline migrate',
  });
  await pool.query('insert into ocp_migration (name, run_on) values ($1, now())', [rows[0]?.name]);
});

test('a database of another encoding is refused by doctor, migrate and worker', async () => {
  const server = inject('postgresUrl');
  const name = `ascii_${process.pid}`;
  await onServer(server, (client) =>
    client.query(
      `create database ${name} encoding 'SQL_ASCII' locale 'C' locale_provider libc template template0`,
    ),
  );
  const ascii = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  expect((await doctor(ascii)).find(({ what }) => what === 'encoding of the database')).toMatchObject({
    ok: false,
    found: 'SQL_ASCII',
    repair: expect.stringContaining(`encoding 'UTF8'`) as string,
  });
  for (const command of ['migrate', 'worker']) {
    const { code, stderr } = await cli.run([command], { DATABASE_URL: ascii });
    expect(code).not.toBe(0);
    expect(stderr).toContain('the encoding UTF8 is required, found SQL_ASCII');
    expect(stderr).not.toContain('    at ');
  }
  await onServer(server, (client) => client.query(`drop database ${name}`));
});

test('a hot standby is told by doctor, migrate and worker', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-standby-'));
  await chmod(directory, 0o755);
  const cluster = {
    directory: join(directory, 'postgres'),
    logFile: join(directory, 'postgres.log'),
    password: 'throwaway',
    wantedPort: 0,
    settings: {},
    environment: process.env,
    say: () => undefined,
  };
  await stopPostgres(await startPostgres(cluster));
  // A standby without a primary: it stays in recovery and answers reads.
  await writeFile(join(cluster.directory, 'standby.signal'), '');
  const standby = await startPostgres(cluster);
  stopStandby = async () => {
    await stopPostgres(standby);
    await rm(directory, { recursive: true, force: true });
  };
  const url = postgresUrl(standby.port, cluster.password, 'postgres');
  const checks = await doctor(url);
  expect(checks.find(({ what }) => what === 'writing to the database')).toEqual({
    what: 'writing to the database',
    ok: false,
    found: 'the server is a hot standby, which is read-only',
    repair: 'point DATABASE_URL at the primary server, or promote this one',
  });
  for (const command of ['migrate', 'worker']) {
    const { code, stderr } = await cli.run([command], { DATABASE_URL: url });
    expect(code).not.toBe(0);
    expect(stderr).toContain('DATABASE_URL: the server is a hot standby, which is read-only');
    expect(stderr).not.toContain('    at ');
  }
});
