import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { beforeAll, expect, test } from 'vitest';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { exactJson } from '../../costs/exact-text.ts';
import { showModel } from '../../costs/stored-models.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { costTables, tenantRows } from './stored-rows.ts';

const fixture = (path: string) => readFile(new URL(`../fixtures/${path}`, import.meta.url), 'utf8');
let database: TestDatabase;
let text: string;

beforeAll(async () => {
  database = await createTestDatabase();
  text = await fixture('cost-model-small_cm.json');
  const { sourceUuid, clusterId } = await createStagedSource(database, '2026-10');
  await applyModel(database.pool, database.schema, readCostModel(text, 'json', 'small_cm'), {
    source: 'small_cm',
    sources: [{ sourceUuid, clusterId }],
    move: false,
  });
});

/** Ids and times differ between any two databases; the list of ours is always valid. */
const compared = (row: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => !/^(id|uuid|\w+_(id|uuid|timestamp)|effective_start_date)$/.test(column))
      .map(([column, value]) => [
        column,
        value.startsWith('[') || value.startsWith('{') ? json(value) : value,
      ]),
  );
const json = (value: string): unknown =>
  JSON.parse(value, (key, inner: unknown) => (key === 'rate_id' ? 'an id' : inner));
const inOrder = (rows: Record<string, string>[]) =>
  rows.map(compared).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test.each(costTables)('the rows of %s are those of Koku', async (table) => {
  const golden = parse<Record<string, string>>(await fixture(`golden/small_cm/${table}.csv`), {
    columns: true,
  });
  const columns = Object.keys(golden[0] ?? {});
  const list = columns.map((column) => `${column}::text`).join(', ');
  const found = await tenantRows<Record<string, string>>(database, `select ${list} from ${table}`);
  const written = found.map((row) => ({
    ...row,
    ...(row['enabled'] && { enabled: row['enabled'].slice(0, 1) }),
  }));
  expect(inOrder(written)).toEqual(inOrder(golden));
});

test('rates of the JSON are found in the rows by their ids, in the model and its list alike', async () => {
  const [ids] = await tenantRows<{ rows: string[]; model: string[]; list: string[] }>(
    database,
    `select
         (select array_agg(uuid::text order by uuid) from cost_model_rate) as rows,
         (select array_agg(rate ->> 'rate_id' order by rate ->> 'rate_id') from cost_model, jsonb_array_elements(rates) as rate) as model,
         (select array_agg(rate ->> 'rate_id' order by rate ->> 'rate_id') from price_list, jsonb_array_elements(rates) as rate) as list`,
  );
  expect(ids?.rows).toHaveLength(13);
  expect(ids?.model).toEqual(ids?.rows);
  expect(ids?.list).toEqual(ids?.rows);
});

test('a list of plain rates is valid from 2000-01-01 to 2099-12-31', async () => {
  expect(
    await tenantRows(
      database,
      'select effective_start_date as from, effective_end_date as until from price_list',
    ),
  ).toEqual([{ from: '2000-01-01', until: '2099-12-31' }]);
});

test('show gives back the document', async () => {
  const shown = await showModel(database.pool, database.schema, 'simple');
  expect(JSON.parse(exactJson(shown))).toEqual(JSON.parse(text));
});
