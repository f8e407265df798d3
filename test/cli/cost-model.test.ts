import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emptyDocument, plainRate, tagRate } from '../costs/documents.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';

let cli: CommandLine;
let directory: string;

const run = (...words: string[]) => cli.run([...words, '--org', cli.database.orgId]);
const costModel = (...words: string[]) => run('cost-model', ...words);

async function file(name: string, content: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

beforeAll(async () => {
  cli = await createCommandLine();
  directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-cost-models-'));
  for (const cluster of ['east', 'west'])
    expect(await run('source', 'add', '--cluster', cluster, '--name', cluster)).toMatchObject({ code: 0 });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('a cost model from its document to its end', async () => {
  const path = await file('m.json', emptyDocument({ rates: [plainRate()] }));
  expect(await costModel('apply', path, '--cluster', 'east', 'west')).toMatchObject({
    code: 0,
    stdout: 'Cost model prices: created; now of east, west\n',
  });
  expect((await costModel('apply', path)).stdout).toBe('Cost model prices: unchanged\n');

  const shown = await costModel('show', 'prices');
  expect(shown.stdout).toContain('name: prices\n');
  const again = await costModel('apply', await file('m.yaml', shown.stdout), '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ name: 'prices', outcome: 'unchanged', assigned: [] });
  const json = await costModel('show', 'prices', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({
    name: 'prices',
    rates: [{ tiered_rates: [{ value: 0.007 }] }],
  });

  const taken = await costModel('assign', 'prices', '--cluster', 'east', '--remove', '--json');
  expect(JSON.parse(taken.stdout)).toEqual({ removed: 1 });
  const given = await costModel('assign', 'prices', '--cluster', 'east', 'west', '--json');
  expect(JSON.parse(given.stdout)).toEqual({ assigned: ['east'] });
  const both = await costModel('assign', 'prices', '--cluster', 'east', '--move', '--remove');
  expect(both).toMatchObject({ code: 1, stdout: '' });
  expect(both.stderr).toContain('mutually exclusive');
  expect((await costModel('list')).stdout).toMatch(/^prices +USD +1 +1 +east, west +\d{4}-/m);
  const listed = await costModel('list', '--json');
  expect(JSON.parse(listed.stdout)).toMatchObject([
    { name: 'prices', clusters: ['east', 'west'], rateCount: 1 },
  ]);

  const second = await file('second.json', emptyDocument({ name: 'second' }));
  const held = await costModel('apply', second, '--cluster', 'east');
  expect(held).toMatchObject({ code: 1, stdout: '' });
  expect(held.stderr).toContain('east has prices; --move takes it from there');
  expect((await costModel('apply', second, '--cluster', 'east', '--move')).code).toBe(0);

  expect((await costModel('remove', 'prices')).stdout).toBe(
    'Cost model prices: removed; clusters that had it and have none now: 1\n',
  );
  expect(await costModel('show', 'prices')).toMatchObject({ code: 1, stdout: '' });
});

test('every problem of a document is told with its path, and nothing is written', async () => {
  const rates = [plainRate({ tiered_rates: [{ value: -1 }] }), plainRate({ metric: { name: 'cpu' } })];
  const path = await file('bad.json', emptyDocument({ name: 'bad', currency: 'QQQ', rates }));
  const { code, stdout, stderr } = await costModel('apply', path);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('bad.json: 3 problems\n');
  expect(stderr).toContain('\n  currency: expected a currency of ISO 4217');
  expect(stderr).toContain('\n  rates[0].tiered_rates[0].value: expected 0 or more, found -1\n');
  expect(stderr).toContain('\n  rates[1].metric.name: expected one of ');
  expect((await costModel('list')).stdout).not.toContain('bad');
});

test('an unknown cluster, file or model is told with what to do', async () => {
  const path = await file('third.json', emptyDocument({ name: 'third' }));
  expect((await costModel('apply', path, '--cluster', 'north')).stderr).toContain('has no cluster north');
  expect((await costModel('list')).stdout).not.toContain('third');
  expect((await costModel('apply', join(directory, 'absent.json'))).stderr).toContain(
    'absent.json: no such file; give the path of a cost model, JSON or YAML',
  );
  expect((await costModel('remove', 'absent')).stderr).toContain('cost-model list shows those there are');
});

test('without a currency it is that which the organisation chose in Koku, else USD', async () => {
  const path = await file(
    'any.json',
    emptyDocument({ name: 'any', currency: undefined, rates: [plainRate()] }),
  );
  const currency = async () => {
    expect(await costModel('apply', path)).toMatchObject({ code: 0 });
    return (JSON.parse((await costModel('show', 'any', '--json')).stdout) as { currency: string }).currency;
  };
  expect(await currency()).toBe('USD');
  const { pool, schema } = cli.database;
  // As Koku has it.
  await pool.query(`create table ${schema}.user_settings (id integer primary key, settings jsonb not null)`);
  expect(await currency(), 'nothing chosen').toBe('USD');
  await pool.query(
    `insert into ${schema}.user_settings values (1, '{"currency": "EUR", "cost_type": "calculated"}')`,
  );
  expect(await currency()).toBe('EUR');
  await pool.query(`drop table ${schema}.user_settings`);
});

test('what is allowed and may not be meant is remarked on', async () => {
  const rates = [
    plainRate({
      custom_name: 'tiers',
      tiered_rates: [
        { value: 1, usage_end: 5 },
        { value: 2, usage_start: 5 },
      ],
    }),
    { ...tagRate({ tag_key: 'example.com/team' }), custom_name: 'team' },
  ];
  const { code, stderr } = await costModel(
    'apply',
    await file('tiers.json', emptyDocument({ name: 'tiers', rates })),
  );
  expect(code).toBe(0);
  expect(stderr).toContain('tiers: of 2 tiers only the first applies');
  expect(stderr).toMatch(/team: reports write label example\.com\/team as \S+; name it so/);
});
