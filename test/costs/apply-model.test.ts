import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { applyModel } from '../../costs/apply-model.ts';
import { assignModel, removeModel, unassignModel } from '../../costs/assignments.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { exactJson, exactYaml } from '../../costs/exact-text.ts';
import { listModels, showModel } from '../../costs/stored-models.ts';
import { mapTags } from '../../summary/tag-mapping.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { emptyDocument, plainRate, tagRate } from './documents.ts';
import { allCostRows, costTables, tenantRows } from './stored-rows.ts';

let database: TestDatabase;
let east: { sourceUuid: string; clusterId: string };
let west: { sourceUuid: string; clusterId: string };
const none: { sources: (typeof east)[]; move: boolean } = { sources: [], move: false };

beforeAll(async () => {
  database = await createTestDatabase();
  east = await createStagedSource(database, '2026-10');
  west = await createStagedSource(database, '2026-10');
});
beforeEach(async () => {
  await query(`truncate ${costTables.join(', ')}, reporting_tagmapping, reporting_enabledtagkeys cascade`);
});

const query = <Row extends object>(text: string, values: unknown[] = []) =>
  tenantRows<Row>(database, text, values);
const apply = (document: unknown, options: Partial<typeof none> = {}) =>
  applyModel(database.pool, database.schema, readCostModel(JSON.stringify(document), 'json', 'm.json'), {
    source: 'm.json',
    ...none,
    ...options,
  });
const show = (name = 'prices') => showModel(database.pool, database.schema, name);
const versions = async () =>
  (await query<{ name: string; version: number }>('select name, version from price_list order by name')).map(
    ({ name, version }) => `${name} ${version}`,
  );
const refused = (message: string) => ({
  type: 'ConfigInvalid',
  message: expect.stringContaining(message) as string,
});

const twoLists = (changes: Record<string, unknown> = {}) =>
  emptyDocument({
    rates: undefined,
    price_lists: [
      { name: 'late', priority: 2, rates: [plainRate()] },
      { name: 'early', effective_end_date: '2026-06-30', rates: [plainRate(), tagRate()], ...changes },
    ],
  });

describe('apply', () => {
  test('the same document again writes nothing, not even dates, however its numbers are written', async () => {
    expect(await apply(twoLists(), { sources: [east] })).toMatchObject({
      outcome: 'created',
      assigned: [east.clusterId],
    });
    const before = await allCostRows(database);
    expect(before.length).toBe(1 + 1 + 2 + 2 + 3);
    const rewritten = JSON.stringify(twoLists()).replaceAll('0.007', '7.0e-3');
    const again = readCostModel(rewritten, 'json', 'm.json');
    const options = { source: 'm.json', sources: [east], move: false };
    expect(await applyModel(database.pool, database.schema, again, options)).toMatchObject({
      outcome: 'unchanged',
      assigned: [],
    });
    expect(await allCostRows(database)).toEqual(before);
  });

  test('a changed rate makes a new version of its list, and keeps the ids of all', async () => {
    await apply(twoLists());
    const ids = 'select uuid::text from cost_model_rate union select uuid::text from price_list order by 1';
    const before = await query(ids);
    const changed = twoLists({ rates: [plainRate({ tiered_rates: [{ value: 0.008 }] }), tagRate()] });
    expect(await apply(changed)).toMatchObject({ outcome: 'changed' });
    expect(await versions()).toEqual(['early 2', 'late 1']);
    expect(await query(ids)).toEqual(before);
    expect(
      await query(
        `select list.name, rate.default_rate::text as rate, rate.updated_timestamp > rate.created_timestamp as changed
         from cost_model_rate as rate join price_list as list on list.uuid = rate.price_list_id
         order by list.name, rate.custom_name`,
      ),
    ).toEqual([
      { name: 'early', rate: '0.008000000000000', changed: true },
      { name: 'early', rate: null, changed: false },
      { name: 'late', rate: '0.007000000000000', changed: false },
    ]);
  });

  test('what changes no cost makes no new version; validity does', async () => {
    await apply(twoLists());
    await apply(twoLists({ description: 'of the contract', enabled: false, priority: 3 }));
    await apply(
      twoLists({ rates: [plainRate({ description: 'as agreed', custom_name: 'cores' }), tagRate()] }),
    );
    expect(await query(`select description from cost_model_rate where custom_name = 'cores'`)).toEqual([
      { description: 'as agreed' },
    ]);
    expect(await versions()).toEqual(['early 1', 'late 1']);
    await apply(twoLists({ effective_end_date: '2026-07-31' }));
    expect(await versions()).toEqual(['early 2', 'late 1']);
  });

  test('rates and lists that the document no longer has are gone', async () => {
    await apply(twoLists());
    await apply(twoLists({ name: 'other', rates: [tagRate()] }));
    expect(await versions()).toEqual(['late 1', 'other 1']);
    expect(await query('select metric, tag_key from cost_model_rate order by tag_key')).toEqual([
      { metric: 'cpu_core_usage_per_hour', tag_key: '' },
      { metric: 'cpu_core_usage_per_hour', tag_key: 'team' },
    ]);
  });

  test('the model itself has the rates of the list that comes first', async () => {
    await apply(twoLists());
    expect(await query('select jsonb_array_length(rates) as n, distribution from cost_model')).toEqual([
      { n: 2, distribution: 'cpu' },
    ]);
  });

  test('a rate by label has its values in the row, and no price of its own', async () => {
    await apply(emptyDocument({ rates: [tagRate()] }));
    expect(
      await query('select metric_type, cost_type, default_rate, tag_key, tag_values from cost_model_rate'),
    ).toEqual([
      {
        metric_type: 'cpu',
        cost_type: 'Supplementary',
        default_rate: null,
        tag_key: 'team',
        tag_values: [
          { tag_value: 'blue', value: 0.1, unit: 'USD', default: true, description: '' },
          { tag_value: 'red', value: 0.2, unit: 'USD', default: false, description: '' },
        ],
      },
    ]);
  });

  test('a rate by a key that is mapped to another is refused with its path, and nothing is written', async () => {
    await setTagKeys(database.pool, database.schema, ['team', 'squad'], true);
    await mapTags(database.pool, database.schema, 'squad', ['team']);
    const message = 'team is mapped to squad and counts under it; use squad';
    await expect(apply(emptyDocument({ rates: [plainRate(), tagRate()] }))).rejects.toMatchObject(
      refused(`m.json: 1 problem\n  rates[1].tag_rates.tag_key: ${message}`),
    );
    await expect(apply(twoLists())).rejects.toMatchObject(
      refused(`price_lists[1].rates[1].tag_rates.tag_key: ${message}`),
    );
    expect(await allCostRows(database)).toEqual([]);
  });

  test('a list that another model has too is not changed for it', async () => {
    await apply(twoLists());
    await apply(emptyDocument({ name: 'second' }));
    await query(
      `insert into price_list_cost_model_map (priority, cost_model_id, price_list_id)
       select 5, model.uuid, list.uuid from cost_model as model, price_list as list
       where model.name = 'second' and list.name = 'early'`,
    );
    await expect(apply(twoLists({ effective_end_date: '2026-07-31' }))).rejects.toMatchObject(
      refused('Price list early (also of second): other cost models have it too'),
    );
    expect(await apply(twoLists())).toMatchObject({ outcome: 'unchanged' });
    await removeModel(database.pool, database.schema, 'prices');
    expect(await versions()).toEqual(['early 1', 'second prices 1']);
  });

  test('two models of one name, which Koku allows, are refused', async () => {
    await apply(emptyDocument());
    await query(
      `insert into cost_model select gen_random_uuid(), name, description, source_type, now(), now(), rates, markup,
           distribution, currency, distribution_info from cost_model`,
    );
    const message = refused('Cost model prices: 2 models have this name');
    await expect(apply(emptyDocument())).rejects.toMatchObject(message);
    await expect(show()).rejects.toMatchObject(message);
  });

  test('applied by many at once it is one model', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => apply(twoLists(), { sources: [east] })),
    );
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
      'created',
      ...Array<string>(7).fill('unchanged'),
    ]);
    expect(await listModels(database.pool, database.schema)).toMatchObject([
      { name: 'prices', currency: 'USD', sourceUuids: [east.sourceUuid], priceListCount: 2, rateCount: 3 },
    ]);
  });
});

describe('show', () => {
  test.each([
    ['plain rates', emptyDocument({ rates: [plainRate(), tagRate()], markup: { value: 12.5 } })],
    ['price lists', twoLists({ description: 'first half' })],
    ['nothing', emptyDocument()],
  ])('its document, as JSON and as YAML, changes nothing: %s', async (_, document) => {
    await apply(document);
    const before = await allCostRows(database);
    const shown = await show();
    for (const [text, format] of [
      [exactJson(shown, 2), 'json'],
      [exactYaml(shown), 'yaml'],
    ] as const) {
      const model = readCostModel(text, format, 'shown');
      const applied = await applyModel(database.pool, database.schema, model, { source: 'shown', ...none });
      expect(applied.outcome).toBe('unchanged');
    }
    expect(await allCostRows(database)).toEqual(before);
  });

  test('digits that a binary fraction does not hold come back', async () => {
    const value = '123456789012345678.012345678901234';
    await apply(emptyDocument({ rates: [plainRate({ tiered_rates: [{ value }] })] }));
    expect(exactJson(await show())).toContain(`"value":${value},`);
    expect(exactYaml(await show())).toContain(`value: ${value}\n`);
    expect(await query('select default_rate::text as rate from cost_model_rate')).toEqual([{ rate: value }]);
  });

  test('rates come back as a list where nothing more is said, otherwise as price lists', async () => {
    await apply(emptyDocument());
    expect(Object.keys(await show()).sort()).toEqual(
      ['name', 'description', 'source_type', 'currency', 'distribution_info', 'rates'].sort(),
    );
    await query(`update price_list set effective_start_date = '2026-03-01'`);
    expect(await show()).toMatchObject({
      price_lists: [{ name: 'prices prices', effective_start_date: '2026-03-01', rates: [] }],
    });
  });

  test('a name that nobody has is refused', async () => {
    await expect(show('nothing')).rejects.toMatchObject(
      refused('Cost model nothing: there is none of this name'),
    );
  });
});

describe('clusters', () => {
  const holders = () =>
    query<{ name: string; source: string }>(
      `select model.name, mapped.provider_uuid::text as source
       from cost_model_map as mapped join cost_model as model on model.uuid = mapped.cost_model_id
       order by model.name, mapped.id`,
    );

  test('apply adds clusters and takes none away', async () => {
    await apply(emptyDocument(), { sources: [east] });
    expect(await apply(emptyDocument(), { sources: [west, east] })).toMatchObject({
      outcome: 'unchanged',
      assigned: [west.clusterId],
    });
    expect(await holders()).toEqual([
      { name: 'prices', source: east.sourceUuid },
      { name: 'prices', source: west.sourceUuid },
    ]);
  });

  test('a cluster that another model holds is refused with its name, and the model stays as it was', async () => {
    await apply(emptyDocument({ name: 'first' }), { sources: [east] });
    const held = refused(
      `a cluster can have one cost model, and ${east.clusterId} has first; --move takes it`,
    );
    await expect(apply(emptyDocument(), { sources: [west, east] })).rejects.toMatchObject(held);
    expect((await listModels(database.pool, database.schema)).map(({ name }) => name)).toEqual(['first']);
    await apply(emptyDocument());
    const sources = [west, east];
    await expect(
      assignModel(database.pool, database.schema, 'prices', { sources, move: false }),
    ).rejects.toMatchObject(held);
    expect(await holders()).toEqual([{ name: 'first', source: east.sourceUuid }]);
  });

  test('moved, it has the one model only', async () => {
    await apply(emptyDocument({ name: 'first' }), { sources: [east, west] });
    expect(await apply(emptyDocument(), { sources: [east], move: true })).toMatchObject({
      outcome: 'created',
    });
    expect(await holders()).toEqual([
      { name: 'first', source: west.sourceUuid },
      { name: 'prices', source: east.sourceUuid },
    ]);
  });

  test('taken away, it has none, and a second time there is nothing to take', async () => {
    await apply(emptyDocument(), { sources: [east, west] });
    expect(await unassignModel(database.pool, database.schema, 'prices', [east])).toBe(1);
    expect(await unassignModel(database.pool, database.schema, 'prices', [east])).toBe(0);
    expect(await holders()).toEqual([{ name: 'prices', source: west.sourceUuid }]);
  });

  test('two at once that want one cluster: one gets it', async () => {
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) => apply(emptyDocument({ name }), { sources: [east] })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await holders()).toHaveLength(1);
  });

  test('a removed model leaves no rows, and its clusters none', async () => {
    await apply(twoLists(), { sources: [east, west] });
    expect(await removeModel(database.pool, database.schema, 'prices')).toBe(2);
    expect(await allCostRows(database)).toEqual([]);
    await expect(removeModel(database.pool, database.schema, 'prices')).rejects.toMatchObject(
      refused('there is none of this name'),
    );
  });
});

describe('the effective price list', () => {
  const effective = async (month: string, source = east) => {
    const [row] = await query<{ name: string | null }>(
      `select (select name from price_list where uuid = ocp_effective_price_list($1, $2)) as name`,
      [source.sourceUuid, month],
    );
    return row?.name;
  };

  test('is the one with the lowest priority that is valid on the first of the month, enabled or not', async () => {
    await apply(twoLists({ enabled: false, effective_start_date: '2026-02-15' }), { sources: [east] });
    expect(await effective('2026-02-20')).toBe('late');
    expect(await effective('2026-03-31')).toBe('early');
    expect(await effective('2026-06-01')).toBe('early');
    expect(await effective('2026-07-01')).toBe('late');
    expect(await effective('1999-12-01')).toBeNull();
    expect(await effective('2026-03-01', west)).toBeNull();
  });

  test('is none where a source has two models', async () => {
    await apply(twoLists(), { sources: [east, west] });
    await apply(emptyDocument({ name: 'second' }));
    await query(
      `insert into cost_model_map (provider_uuid, cost_model_id) select $1, uuid from cost_model where name = 'second'`,
      [east.sourceUuid],
    );
    expect(await effective('2026-03-01')).toBeNull();
    expect(await effective('2026-03-01', west)).toBe('early');
  });
});
