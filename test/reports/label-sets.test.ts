import { beforeAll, expect, test } from 'vitest';
import { LabelSets } from '../../reports/label-sets.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

function labelSets(registersKeys = true): LabelSets {
  return new LabelSets(database.pool, database.schema, registersKeys);
}

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  return inTenantTransaction(
    database.pool,
    database.schema,
    async (client) => (await client.query<R>(text, values)).rows,
  );
}

async function labelsOf(id: number | undefined): Promise<unknown> {
  const rows = await query<{ labels: unknown }>('select labels from ocp_label_set where label_set_id = $1', [
    id,
  ]);
  return rows[0]?.labels;
}

async function knownKeys(prefix: string): Promise<[string, boolean][]> {
  const rows = await query<{ key: string; enabled: boolean }>(
    `select key, enabled from reporting_enabledtagkeys where starts_with(key, $1) order by key collate "C"`,
    [prefix],
  );
  return rows.map(({ key, enabled }) => [key, enabled]);
}

test('a label text has no id until it was stored', async () => {
  const sets = labelSets();
  expect(sets.id('label_once:1')).toBeUndefined();
  await sets.store(['label_once:1']);
  expect(await labelsOf(sets.id('label_once:1'))).toEqual({ once: '1' });
});

test('texts that mean the same labels share one set, in this load and in others', async () => {
  const texts = ['label_b:2|label_a:1', 'label_a:1|label_b:2', 'label_a:0|label_b:2|label_a:1', 'a:1|b:2'];
  const sets = labelSets();
  await sets.store(texts);
  const later = labelSets();
  await later.store([texts[1] ?? '']);
  expect(new Set([...texts.map((text) => sets.id(text)), later.id(texts[1] ?? '')]).size).toBe(1);
  expect(await labelsOf(sets.id('a:1|b:2'))).toEqual({ a: '1', b: '2' });
});

test('blank text is the empty set, and other texts without labels are it too', async () => {
  const sets = labelSets();
  await sets.store(['', 'nothing', 'a:b:c']);
  expect(await labelsOf(sets.id(''))).toEqual({});
  expect(new Set([sets.id(''), sets.id('nothing'), sets.id('a:b:c')]).size).toBe(1);
});

test('odd keys and values are stored as they are', async () => {
  const text = 'label___proto__:x|label_"q\\":\t😀\u2028|label_:empty key';
  const sets = labelSets();
  await sets.store([text]);
  const labels = await labelsOf(sets.id(text));
  expect(new Map(Object.entries(labels as object))).toEqual(
    new Map([
      ['__proto__', 'x'],
      ['"q\\"', '\t😀\u2028'],
      ['', 'empty key'],
    ]),
  );
});

test('keys that nobody has seen are registered as disabled, and known ones keep their state', async () => {
  await query(
    `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type) values (gen_random_uuid(), 'reg_on', true, 'OCP')`,
  );
  await labelSets().store(['label_reg_on:1|label_reg_new:2']);
  expect(await knownKeys('reg_')).toEqual([
    ['reg_new', false],
    ['reg_on', true],
  ]);
});

test('labels of virtual machines register no keys', async () => {
  await labelSets(false).store(['label_vmkey:1']);
  expect(await knownKeys('vmkey')).toEqual([]);
});

test('a key longer than the column is kept in the set and not registered', async () => {
  const key = `long_${'k'.repeat(600)}`;
  const sets = labelSets();
  await sets.store([`label_${key}:1`]);
  expect(await labelsOf(sets.id(`label_${key}:1`))).toEqual({ [key]: '1' });
  expect(await knownKeys('long_')).toEqual([]);
});

test('many loads at once store each set once and never wait for each other in a circle', async () => {
  const texts = Array.from({ length: 200 }, (_, i) => `label_many_${i % 20}:${i}`);
  const loads = Array.from({ length: 8 }, () => labelSets());
  await Promise.all(loads.map((sets, i) => sets.store(i % 2 === 0 ? texts : [...texts].reverse())));
  const ids = loads.map((sets) => texts.map((text) => sets.id(text)));
  for (const other of ids) expect(other).toEqual(ids[0]);
  expect(new Set(ids[0]).size).toBe(200);
  expect(await knownKeys('many_')).toHaveLength(20);
});

test('an aborted load stores nothing', async () => {
  const sets = labelSets();
  await expect(sets.store(['label_aborted:1'], AbortSignal.abort(new Error('cancelled')))).rejects.toThrow(
    'cancelled',
  );
  expect(sets.id('label_aborted:1')).toBeUndefined();
  expect(await knownKeys('aborted')).toEqual([]);
});

/** A manifest of no source, for its counters. */
async function manifest(manifestId: number): Promise<number> {
  await query(
    `insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports)
     values ($1, gen_random_uuid(), gen_random_uuid(), now(), true)`,
    [manifestId],
  );
  return manifestId;
}

test('new keys of one manifest are entered up to its bound, over all of its loads; the rest stays in the sets', async () => {
  const manifestId = await manifest(1);
  const load = () =>
    new LabelSets(database.pool, database.schema, true, { manifestId, maxNewKeys: 3, maxNewSets: 100 });
  const first = load();
  await first.store(['label_bound_a:1|label_bound_b:1']);
  expect(first.leftOut).toEqual({ keyCount: 0, reducedSetCount: 0 });
  // room for one of c, d, e; b is known
  const second = load();
  await second.store(['label_bound_e:1|label_bound_b:1', 'label_bound_d:1|label_bound_c:1']);
  expect(second.leftOut).toEqual({ keyCount: 2, reducedSetCount: 0 });
  expect((await knownKeys('bound_')).map(([key]) => key)).toEqual(['bound_a', 'bound_b', 'bound_c']);
  expect(await labelsOf(second.id('label_bound_e:1|label_bound_b:1'))).toEqual({
    bound_b: '1',
    bound_e: '1',
  });
  // another manifest has a bound of its own
  await new LabelSets(database.pool, database.schema, true, {
    manifestId: await manifest(2),
    maxNewKeys: 3,
    maxNewSets: 100,
  }).store(['label_bound_e:1']);
  expect((await knownKeys('bound_')).map(([key]) => key)).toEqual([
    'bound_a',
    'bound_b',
    'bound_c',
    'bound_e',
  ]);
});

test('new sets beyond the bound keep the labels that count, and every text has a set', async () => {
  await query(
    `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type) values (gen_random_uuid(), 'counts', true, 'OCP')`,
  );
  const manifestId = await manifest(3);
  const sets = new LabelSets(database.pool, database.schema, true, {
    manifestId,
    maxNewKeys: 100,
    maxNewSets: 4,
  });
  const texts = Array.from(
    { length: 10 },
    (_, i) =>
      `label_counts:${i % 2}|label_hash:${i}|label_vm_kubevirt_io_name:vm|label_node_role_kubernetes_io:infra`,
  );
  await sets.store(texts.slice(0, 5));
  await sets.store(texts.slice(5));
  // four whole ones; the other six come down to those with counts = 0 and counts = 1
  expect(sets.leftOut.reducedSetCount).toBe(6);
  const stored = await Promise.all(
    texts.map(async (text) => (await labelsOf(sets.id(text))) as Record<string, string>),
  );
  expect(stored.filter((labels) => 'hash' in labels)).toHaveLength(4);
  expect(stored.map((labels) => labels['counts'])).toEqual(texts.map((_, i) => String(i % 2)));
  for (const labels of stored)
    expect(labels).toMatchObject({ vm_kubevirt_io_name: 'vm', node_role_kubernetes_io: 'infra' });
  expect(await query('select new_label_sets from ocp_manifest where manifest_id = $1', [manifestId])).toEqual(
    [{ new_label_sets: 4 }],
  );
  // Loaded again, the same texts have the same sets.
  const again = new LabelSets(database.pool, database.schema, true, {
    manifestId,
    maxNewKeys: 100,
    maxNewSets: 4,
  });
  await again.store(texts);
  expect(texts.map((text) => again.id(text))).toEqual(texts.map((text) => sets.id(text)));
});
