import { beforeAll, expect, inject, test } from 'vitest';
import type { Check } from '../../cli/checks.ts';
import { judgeVersion } from '../../cli/trino-checks.ts';
import { catalog } from '../support/trino-server.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { createCatalog } from './catalogs.ts';
import { trinoEnvironment } from './lake.ts';

let cli: CommandLine;
let environment: Record<string, string>;
let client: TrinoClient;

beforeAll(async () => {
  cli = await createCommandLine();
  environment = await trinoEnvironment();
  client = new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog });
});

/** What doctor says about Trino. */
async function ofTrino(changes: Record<string, string> = {}): Promise<Check[]> {
  const { stdout } = await cli.run(['doctor', '--json'], { ...environment, ...changes });
  const checks = JSON.parse(stdout) as Check[];
  return checks.slice(
    checks.findIndex(({ what }) => what === 'Trino'),
    checks.length,
  );
}

test('a lake that works: version, workers, catalog, a file that is written and read', async () => {
  const checks = await ofTrino();
  expect(checks).toEqual([
    { what: 'Trino', ok: true, found: '476' },
    { what: 'a query on workers of Trino', ok: true, found: 'answered' },
    { what: 'catalog lake', ok: true, found: 'connector hive' },
    {
      what: 'lake',
      ok: true,
      found: 'a file was written to the object store, read by Trino, and removed',
    },
  ]);
  const schemas = await client.run(`select schema_name from ${catalog}.information_schema.schemata`);
  expect(schemas.flat().filter((name) => String(name).includes('doctor'))).toEqual([]);
});

test('a catalog that does not allow to register partitions works, more slowly', async () => {
  const name = await createCatalog(client, { 'hive.allow-register-partition-procedure': 'false' });
  const [lake] = (await ofTrino({ TRINO_CATALOG: name })).slice(3);
  expect(lake).toMatchObject({ what: 'lake', ok: true });
  expect(lake?.found).toContain('system.register_partition is not allowed');
  expect(lake?.found).toContain(`set hive.allow-register-partition-procedure=true in the catalog ${name}`);
});

test.for([
  [
    'no server',
    { TRINO_URL: 'http://127.0.0.1:9' },
    { what: 'Trino', found: 'cannot be reached', repair: 'check TRINO_URL' },
  ],
  [
    'no such catalog',
    { TRINO_CATALOG: 'absent' },
    { what: 'catalog absent', found: 'the user sees: lake', repair: 'etc/catalog' },
  ],
  [
    'a catalog of another kind',
    { TRINO_CATALOG: 'system' },
    { what: 'catalog system', found: 'its connector is system', repair: 'set TRINO_CATALOG' },
  ],
  [
    'another place than the object store',
    { TRINO_LOCATION: 'local:///elsewhere' },
    { what: 'lake', found: 'elsewhere', repair: 'make sure that TRINO_LOCATION' },
  ],
] as const)('%s: what is wrong, and what to do', async ([, changes, expected]) => {
  const failed = (await ofTrino(changes)).filter(({ ok }) => !ok);
  expect(failed).toEqual([
    {
      what: expected.what,
      ok: false,
      found: expect.stringContaining(expected.found) as string,
      repair: expect.stringContaining(expected.repair) as string,
    },
  ]);
});

test.for([
  ['475', false, '475'],
  ['unknown', false, 'unknown'],
  ['476-e.3', true, '476-e.3'],
  ['483', true, '483; this program was tested with 476 and no later one'],
] as const)('version %s', ([version, ok, found]) => {
  expect(judgeVersion(version)).toMatchObject({ ok, found });
});
