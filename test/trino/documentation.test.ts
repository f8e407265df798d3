import { expect, inject, test } from 'vitest';
import { lakeProperties } from '../support/trino-server.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { startProgram } from '../support/command-line.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline, testNow } from '../support/pipeline.ts';
import { icebergProperties, page } from './catalogs.ts';
import { trinoEnvironment } from './lake.ts';

/** The commands of the page in their order: words after `ocp-pipeline`. */
const commands = [...page.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, block = '']) =>
  [...block.matchAll(/^ocp-pipeline (.*)$/gm)].map(([, words = '']) => words.split(' ')),
);

test.for([
  ['of Hive tables', lakeProperties('/srv/lake')],
  [
    'of Iceberg tables',
    icebergProperties({
      directory: '/srv/lake',
      url: 'jdbc:postgresql://db.example.com:5432/lake_catalog',
      user: 'trino',
      password: '…',
    }),
  ],
] as const)('the servers of all these tests have the catalog of the page: %s', ([, properties]) => {
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
  expect(page).toContain('```properties\n' + lines.join('') + '```');
});

test('the commands of the page move a customer into shadow, over and back', async () => {
  const environment = { ...(await trinoEnvironment()), OCP_RULES: 'koku' };
  const pipeline = await createTestPipeline(environment);
  const { database, namespace } = pipeline;
  await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await setTagKeys(database.pool, database.schema, await goldenEnabledKeys('small'), true);
  await pipeline.ingest(payloadPath('nise-small'));
  expect(commands.map(([word, second]) => (word === 'tenant' ? `tenant ${second}` : word))).toEqual([
    ...['tenant set', 'resummarize', 'status'],
    ...['tenant set', 'resummarize', 'status'],
    ...['tenant set', 'resummarize'],
  ]);
  const engines: (string | undefined)[] = [];
  const shown: string[] = [];
  for (const words of commands) {
    expect(words[0] === 'tenant' ? words[2] : database.orgId).toBe(database.orgId);
    const { code, stdout, stderr } = await startProgram(words, {
      ...environment,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: namespace,
      OCP_NOW: testNow,
    }).ended;
    expect(code, `${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
    if (words[0] === 'status') shown.push(stdout);
    if (words[0] !== 'resummarize') continue;
    const { rows } = await database.pool.query<{ engine: string }>(
      `select engine from ${database.schema}.ocp_source_month`,
    );
    engines.push(rows[0]?.engine);
    await expectGolden(database, 'small', 'reporting_ocpusagelineitem_daily_summary');
  }
  expect(engines).toEqual(['postgres', 'trino', 'postgres']);
  // Three days, all of them equal.
  expect(shown[0]).toMatch(/small-onprem +│? *2026-10 +│? *trino +│? *3 +│? *0 +│? *0/);
  expect(shown[1]).toMatch(/small-onprem +│? *2026-10 +│? *postgres +│? *3 +│? *0 +│? *0/);
  // Which status would say without a worker for the comparison.
  expect(shown.join('\n')).not.toContain('days are not compared');
});
