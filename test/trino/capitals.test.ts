import { beforeAll, expect, inject, test } from 'vitest';
import fc from 'fast-check';
import { inventedNamespaces } from '../../domain/reports/invented-namespaces.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { TrinoClient } from '../../engines/trino/client.ts';
import { lakeSchemaOf } from '../../engines/trino/lake-schema.ts';
import { clock } from '../../platform/config/config.ts';
import { registerSource, tenantSchemaOf } from '../../platform/tenants/sources.ts';
import { purgeLake } from '../../retention/purge-objects.ts';
import { anotherManifest, createArchiveFolder, readPayload, scaled } from '../support/archives.ts';
import { podFileAlone } from '../support/held-load.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { catalog } from '../support/trino-server.ts';
import { trinoEnvironment } from './lake.ts';

/*
 * Organisations whose names differ in case only. Trino folds the names of schemas, so each needs one of its own in the
 * lake; each has a cluster of the same name, and their numbers differ.
 */
const organisations = ['Acme_1', 'acme_1', 'ACME_1'] as const;
/** What the numbers of an organisation are multiplied by. */
const factors = { Acme_1: 1, acme_1: 2, ACME_1: 4 } as const;
const lakeNames = {
  Acme_1: 'cased_org_acme__1',
  acme_1: 'orgacme_1',
  ACME_1: 'cased_org_a_c_m_e__1',
} as const;
let pipeline: TestPipeline;
let trino: TrinoClient;
let prefix: string;

beforeAll(async () => {
  const environment = await trinoEnvironment();
  prefix = environment['TRINO_SCHEMA_PREFIX'] ?? '';
  trino = new TrinoClient({ url: inject('trinoUrl'), user: 'test', catalog });
  pipeline = await createTestPipeline({ ...environment, OCP_POSTGRES_PIPELINE: 'false' });
});

/** CPU that an organisation's pods used, by the summary. */
async function coreHours(orgId: string): Promise<number> {
  const { rows } = await pipeline.database.pool.query<{ hours: number }>(
    `select sum(pod_usage_cpu_core_hours)::float8 as hours
     from "${tenantSchemaOf(orgId)}".reporting_ocpusagelineitem_daily_summary
     where namespace not in ($1, $2)`,
    [inventedNamespaces.platformUnallocated, inventedNamespaces.workerUnallocated],
  );
  return rows[0]?.hours ?? 0;
}

/** Schemas of the lake, and the rows in the table of pods of each. */
async function podRows(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [schema] of await trino.run(`show schemas like '${prefix.replaceAll('_', '!_')}%' escape '!'`)) {
    const [[count] = []] = await trino.run(`select count(*) from "${String(schema)}".pod_usage`);
    found[String(schema).slice(prefix.length)] = Number(count);
  }
  return found;
}

test('schemas in lower case keep their names, and no two schemas share one', () => {
  const schema = fc.stringMatching(/^(org|acct|cased_)?[A-Ca-c_1]{0,6}$/);
  fc.assert(
    fc.property(schema, schema, (one, other) => {
      expect(lakeSchemaOf(one)).toMatch(/^[a-z0-9_]*$/);
      expect(lakeSchemaOf(one) === lakeSchemaOf(other)).toBe(one === other);
      if (one === one.toLowerCase() && !one.startsWith('cased_')) expect(lakeSchemaOf(one)).toBe(one);
    }),
    { numRuns: 2000 },
  );
  for (const orgId of organisations) expect(lakeSchemaOf(tenantSchemaOf(orgId))).toBe(lakeNames[orgId]);
});

test('organisations that differ in case only have their own tables, with numbers of their own', async () => {
  const { database } = pipeline;
  const folder = await createArchiveFolder();
  const sample = podFileAlone(await readPayload('operator-sample'), 'web');
  const clusterId = sample.manifest['cluster_id'] as string;
  for (const orgId of organisations) {
    const deps = { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } };
    await registerSource(deps, { orgId, clusterId, name: 'web' });
    const own = scaled(anotherManifest(sample, {}), 'pod_usage_cpu_core_seconds', factors[orgId]);
    expect(await pipeline.ingest(await folder.pack(own), { orgId })).toMatchObject({ outcome: 'completed' });
  }
  const unit = await coreHours('Acme_1');
  expect(unit).toBeGreaterThan(0);
  expect(await coreHours('acme_1')).toBeCloseTo(2 * unit, 9);
  expect(await coreHours('ACME_1')).toBeCloseTo(4 * unit, 9);

  const rows = await podRows();
  expect(Object.keys(rows).sort()).toEqual(Object.values(lakeNames).sort());
  // Their files have the same lines.
  expect(new Set(Object.values(rows)).size).toBe(1);
  const sources = await trino.run(`select distinct source from system.runtime.queries`);
  // By which the documented resource groups tell them apart.
  for (const name of Object.values(lakeNames))
    expect(sources.flat()).toContain(`ocp-pipeline.${prefix}${name}`);
});

test('a purge takes the partitions of its organisation out of the catalog, and no others', async () => {
  const before = await podRows();
  const { database, config, objectStore } = pipeline;
  const deps = { pool: database.pool, databaseUrl: database.url, objectStore, config, now: clock(config) };
  await purgeLake(deps, tenantSchemaOf('Acme_1'), {
    firstDayKept: usageDay('2026-11-01'),
    signal: new AbortController().signal,
    removed: () => undefined,
  });
  const partitions = `select count(*) from "${prefix}${lakeNames.Acme_1}"."pod_usage$partitions"`;
  expect(await trino.run(partitions)).toEqual([[0]]);
  expect(await podRows()).toEqual({ ...before, [lakeNames.Acme_1]: 0 });
});
