import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, inject, test } from 'vitest';
import { describeTables, kokuDatabase } from '../platform/migrations/support/koku.ts';
import { execute } from '../platform/migrations/support/postgres.ts';
import { atEnd } from '../support/at-end.ts';
import { startProgram } from '../support/command-line.ts';
import type { CommandResult } from '../support/command-line.ts';
import { createNamespace, testNow } from '../support/pipeline.ts';
import { program, startProgramProcess } from '../support/program-process.ts';
import { databaseUrl, onServer, testOrg } from '../support/template-database.ts';

const page = readFileSync(new URL('../../docs/next-to-koku.md', import.meta.url), 'utf8');
/** The commands of the page in their order: words after `ocp-pipeline`. */
const commands = [...page.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, block = '']) =>
  [...block.matchAll(/^ocp-pipeline (.*)$/gm)].map(([, words = '']) => words.split(' ')),
);
/** Commands that run until they are stopped, and what they say when they are ready. */
const lasting: Record<string, string> = {
  worker: 'worker started',
  listen: 'listener started',
  serve: 'accepting uploads',
};
/** Named in a sentence: it takes the place of `listen`. */
const serve = /`ocp-pipeline (serve [^`]*--no-sources)`/.exec(page)?.[1]?.split(' ') ?? [];

let url: string;
let environment: Record<string, string>;

beforeAll(async () => {
  const server = inject('postgresUrl');
  const name = `koku_${randomBytes(6).toString('hex')}`;
  await onServer(server, (client) =>
    client.query(`create database ${name} encoding 'UTF8' template template0`),
  );
  atEnd(() => onServer(server, (client) => client.query(`drop database ${name} with (force)`)));
  url = databaseUrl(server, name);
  await execute(url, kokuDatabase(testOrg.schema));
  const directory = await mkdtemp(join(tmpdir(), 'ocp-koku-'));
  const { connection, namespace } = await createNamespace();
  atEnd(async () => {
    await connection.close();
    await rm(directory, { recursive: true, force: true });
  });
  const { hostname, port, username, password } = new URL(url);
  environment = {
    // What the installation has, the page says, is understood.
    DATABASE_SERVICE_HOST: hostname,
    DATABASE_SERVICE_PORT: port,
    DATABASE_NAME: name,
    DATABASE_USER: decodeURIComponent(username),
    DATABASE_PASSWORD: decodeURIComponent(password),
    OBJECT_STORE: pathToFileURL(join(directory, 'objects')).href,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
    // Nobody is there: a listener waits for its brokers.
    INSIGHTS_KAFKA_HOST: '127.0.0.1',
    INSIGHTS_KAFKA_PORT: '1',
    OCP_RULES: 'koku',
    OCP_HTTP_ADDRESS: '127.0.0.1:0',
    OCP_NOW: testNow,
  };
});

async function runToItsEnd(words: readonly string[]): Promise<CommandResult> {
  return startProgram(words, environment).ended;
}

test('every command of the page works on a database that Koku created, whose tables stay as they are', async () => {
  expect(commands.map(([word, second]) => (word === 'source' ? `source ${second}` : word))).toEqual([
    'migrate',
    'setup',
    'doctor',
    'source list',
    'worker',
    'source adopt',
    'listen',
    'status',
    'schedules',
  ]);
  const before = await describeTables(url, ['public', testOrg.schema]);
  const cluster = /--cluster (\S+)/.exec(page)?.[1] ?? '';
  expect(serve).toEqual(['serve', '--no-sources']);
  for (const words of [...commands, serve]) {
    const ready = lasting[words[0] ?? ''];
    if (ready !== undefined) {
      const running = startProgramProcess([program, ...words], environment);
      await running.hasSaid(ready);
      running.signal('SIGTERM');
      expect(await running.ended, words.join(' ')).toBe(0);
      continue;
    }
    const { code, stdout, stderr } = await runToItsEnd(words);
    if (words[0] === 'doctor') {
      // As the page says: there are no workers yet.
      const failed = stdout.split('\n').filter((line) => line.startsWith('FAIL'));
      expect(failed.filter((line) => !line.startsWith('FAIL  workers on '))).toEqual([]);
      expect(failed).toHaveLength(4);
    } else expect(code, `${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
    // As Koku's UI does.
    if (words[0] === 'migrate')
      await runToItsEnd([
        'source',
        'add',
        '--org',
        testOrg.orgId,
        '--cluster',
        cluster,
        '--name',
        'production',
      ]);
    if (words.join(' ') === 'source list') expect(stdout).toContain(cluster);
  }
  const after = await describeTables(url, ['public', testOrg.schema]);
  expect(before.filter((line) => !after.includes(line))).toEqual([]);
});
