import { expect, test } from 'vitest';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { exactJson } from '../../costs/exact-text.ts';
import { emptyDocument, plainRate, tagRate } from './documents.ts';

const read = (document: unknown) => readCostModel(JSON.stringify(document), 'json', 'm.json');

/** Problems of a document, without the line that counts them. */
function problems(document: unknown): string[] {
  try {
    read(document);
  } catch (error) {
    return (error as Error).message.split('\n  ').slice(1);
  }
  return [];
}

test('defaults of what a document leaves out are those of Koku', () => {
  expect(JSON.parse(exactJson(read(emptyDocument())))).toEqual({
    name: 'prices',
    description: '',
    currency: 'USD',
    distribution_info: {
      distribution_type: 'cpu',
      platform_cost: true,
      worker_cost: true,
      network_unattributed: false,
      storage_unattributed: false,
      gpu_unallocated: false,
    },
    markup: {},
    price_lists: [
      {
        name: 'prices prices',
        description: "Auto-created from cost model 'prices'",
        currency: 'USD',
        effective_start_date: '2000-01-01',
        effective_end_date: '2099-12-31',
        enabled: true,
        priority: 1,
        rates: [],
      },
    ],
  });
});

test('a document without a currency has that of the organisation, in all its parts', () => {
  const text = JSON.stringify(emptyDocument({ currency: undefined, rates: [plainRate(), tagRate()] }));
  for (const [model, currency] of [
    [readCostModel(text, 'json', 'm.json'), 'USD'],
    [readCostModel(text, 'yaml', 'm.yaml', 'EUR'), 'EUR'],
  ] as const) {
    const [list] = model.price_lists;
    const [plain, tagged] = list?.rates ?? [];
    expect([
      model.currency,
      list?.currency,
      plain?.tiered_rates?.[0]?.unit,
      tagged?.tag_rates?.tag_values[0]?.unit,
    ]).toEqual(Array(4).fill(currency));
  }
});

test('a unit is that of the currency which the document does not name', () => {
  const rates = [plainRate({ tiered_rates: [{ value: 1, unit: 'EUR' }] })];
  const text = JSON.stringify(emptyDocument({ currency: undefined, rates }));
  expect(() => readCostModel(text, 'json', 'm.json')).toThrow(
    'rates[0].tiered_rates[0].unit: expected "USD", the currency of the model, found "EUR"',
  );
  expect(readCostModel(text, 'json', 'm.json', 'EUR').currency).toBe('EUR');
});

test('YAML is read as the same document, and numbers keep their digits in both', () => {
  const yaml = `
    name: prices
    source_type: OCP
    currency: USD
    markup: {value: 12.50}
    rates:
      - metric: {name: cpu_core_usage_per_hour}
        cost_type: Supplementary
        tiered_rates: [{value: 123456789012345678.012345678901234}]
      - metric: {name: node_cost_per_month}
        cost_type: Infrastructure
        tiered_rates: [{value: "0.10"}]
      - metric: {name: pvc_cost_per_month}
        cost_type: Infrastructure
        tiered_rates: [{value: 25e-3}]`;
  const json = `{"name": "prices", "source_type": "OCP", "currency": "USD", "markup": {"value": 12.50}, "rates": [
    {"metric": {"name": "cpu_core_usage_per_hour"}, "cost_type": "Supplementary",
     "tiered_rates": [{"value": 123456789012345678.012345678901234}]},
    {"metric": {"name": "node_cost_per_month"}, "cost_type": "Infrastructure", "tiered_rates": [{"value": "0.10"}]},
    {"metric": {"name": "pvc_cost_per_month"}, "cost_type": "Infrastructure", "tiered_rates": [{"value": 25e-3}]}]}`;
  const model = readCostModel(yaml, 'yaml', 'm.yaml');
  expect(exactJson(model)).toBe(exactJson(readCostModel(json, 'json', 'm.json')));
  expect(exactJson(model)).toContain('"markup":{"value":12.50,"unit":"percent"}');
  const values = model.price_lists[0]?.rates.map((rate) => rate.tiered_rates?.[0]?.value.text);
  expect(values).toEqual(['123456789012345678.012345678901234', '0.10', '0.025']);
});

test('what the API of Koku answers is a document too', () => {
  const answer = emptyDocument({
    uuid: 'f418e290-a5f8-4e3b-850e-aa37b94e2f26',
    source_type: 'OpenShift Container Platform',
    sources: [],
    created_timestamp: '2026-11-23T01:26:13Z',
    rates: [
      plainRate({
        metric: {
          name: 'cpu_core_usage_per_hour',
          label_metric: 'CPU',
          label_measurement_unit: 'core-hours',
        },
        tiered_rates: [
          { value: '0.007', unit: 'USD', usage: { unit: 'USD', usage_start: null, usage_end: 5 } },
        ],
      }),
    ],
  });
  expect(exactJson(read(answer).price_lists[0]?.rates[0]?.tiered_rates)).toBe(
    '[{"unit":"USD","value":0.007,"usage_end":5,"usage_start":null}]',
  );
});

test('rates without a name get one of metric, cost type and key, no two the same, at most 50 characters', () => {
  const model = read(
    emptyDocument({
      rates: [
        plainRate(),
        plainRate(),
        plainRate({ custom_name: 'cpu_core_usage_per_hour-Supplementary-2' }),
        tagRate(),
        tagRate({ tag_key: 'team_that_pays_for_it' }),
      ],
    }),
  );
  expect(model.price_lists[0]?.rates.map((rate) => rate.custom_name)).toEqual([
    'cpu_core_usage_per_hour-Supplementary',
    'cpu_core_usage_per_hour-Supplementary-3',
    'cpu_core_usage_per_hour-Supplementary-2',
    'cpu_core_usage_per_hour-Supplementary-team',
    'cpu_core_usage_per_hour-Supplementary-team_that_pa',
  ]);
});

test('lists keep their order, and get the dates of always where they have none', () => {
  const model = read(
    emptyDocument({
      rates: undefined,
      price_lists: [
        { name: 'b', priority: 2, rates: [] },
        { name: 'c', effective_start_date: '2026-07-01', rates: [plainRate()] },
        { name: 'a', effective_end_date: '2026-06-30', enabled: false, rates: [] },
      ],
    }),
  );
  expect(
    model.price_lists.map((list) => [list.name, list.effective_start_date, list.effective_end_date]),
  ).toEqual([
    ['b', '2000-01-01', '2099-12-31'],
    ['c', '2026-07-01', '2099-12-31'],
    ['a', '2000-01-01', '2026-06-30'],
  ]);
});

const value = 'rates[0].tiered_rates[0].value';
test.each<[string, Record<string, unknown>, string[]]>([
  [
    'an unknown metric',
    plainRate({ metric: { name: 'cpu' } }),
    ['rates[0].metric.name: expected one of cpu_core_'],
  ],
  [
    'a negative rate',
    plainRate({ tiered_rates: [{ value: -0.1 }] }),
    [`${value}: expected 0 or more, found -0.1`],
  ],
  ['no number', plainRate({ tiered_rates: [{ value: 'x' }] }), [`${value}: expected a number, found "x"`]],
  ['no value', plainRate({ tiered_rates: [{}] }), [`${value}: missing; expected a number`]],
  [
    'a list as value',
    plainRate({ tiered_rates: [{ value: [] }] }),
    [`${value}: expected a number, found a list`],
  ],
  [
    'too many digits',
    plainRate({ tiered_rates: [{ value: '0.1234567890123456' }] }),
    [`${value}: expected at most 15 digits after the point, found 0.1234567890123456`],
  ],
  ['no tier', plainRate({ tiered_rates: [] }), ['rates[0].tiered_rates: expected at least one entry']],
  [
    'another unit',
    plainRate({ tiered_rates: [{ value: 1, unit: 'EUR' }] }),
    ['rates[0].tiered_rates[0].unit: expected "USD", the currency of the model, found "EUR"'],
  ],
  [
    'no prices',
    plainRate({ tiered_rates: undefined }),
    ['rates[0]: expected either tiered_rates or tag_rates, found neither'],
  ],
  [
    'both forms',
    { ...tagRate(), ...plainRate() },
    ['rates[0]: expected either tiered_rates or tag_rates, found both'],
  ],
  [
    'one price for what is priced by label',
    plainRate({ metric: { name: 'gpu_cost_per_month' } }),
    ['rates[0].tiered_rates: gpu_cost_per_month is priced by label only; expected tag_rates'],
  ],
  [
    'a price by label for what has one price',
    { ...tagRate(), metric: { name: 'cluster_cost_per_month' } },
    ['rates[0].tag_rates: cluster_cost_per_month has one price for all; expected tiered_rates'],
  ],
  [
    'a value twice',
    tagRate({
      tag_values: [
        { tag_value: 'a', value: 1 },
        { tag_value: 'a', value: 2 },
      ],
    }),
    ['rates[0].tag_rates.tag_values[1].tag_value: "a" stands at [0] already'],
  ],
  [
    'two defaults',
    tagRate({
      tag_values: [
        { tag_value: 'a', value: 1, default: true },
        { tag_value: 'b', value: 2, default: true },
      ],
    }),
    ['rates[0].tag_rates.tag_values[1].default: a second default; [0] is the default already'],
  ],
  ['no key', tagRate({ tag_key: '' }), ['rates[0].tag_rates.tag_key: expected a text, found none']],
  [
    'another cost type',
    plainRate({ cost_type: 'Extra' }),
    ['rates[0].cost_type: expected one of Infrastructure,'],
  ],
  ['an unknown field', plainRate({ tier: 1 }), ['rates[0].tier: no such field']],
  [
    'a long name',
    plainRate({ custom_name: 'n'.repeat(51) }),
    ['rates[0].custom_name: expected at most 50 characters, found 51'],
  ],
])('a rate is refused with its path: %s', (_, rate, expected) => {
  expect(problems(emptyDocument({ rates: [rate] }))).toEqual(
    expected.map((line) => expect.stringContaining(line) as string),
  );
});

test.each<[string, Record<string, unknown>, string[]]>([
  [
    'a currency that is none',
    { currency: 'QQQ' },
    ['currency: expected a currency of ISO 4217 such as USD, found "QQQ"'],
  ],
  [
    'another source type',
    { source_type: 'AWS' },
    ['source_type: expected one of OCP, OpenShift Container Platform, f'],
  ],
  [
    'a markup that makes costs negative',
    { markup: { value: -101 } },
    ['markup.value: expected -100 or more, found -101'],
  ],
  [
    'another unit of the markup',
    { markup: { value: 1, unit: 'USD' } },
    ['markup.unit: expected percent, found "USD"'],
  ],
  [
    'no rates',
    { rates: undefined },
    ['rates: missing; expected a list, empty when nothing has a price, or price_lists'],
  ],
  [
    'rates beside lists',
    { rates: [plainRate()], price_lists: [{ name: 'a', rates: [] }] },
    ['rates: expected either rates or price_lists, found both'],
  ],
  [
    'two rates by one label',
    { rates: [tagRate(), tagRate()] },
    ['rates[1].tag_rates.tag_key: "team of cpu_core_usage_per_hour Supplementary" stands at [0] already'],
  ],
  [
    'two rates of one name',
    { rates: [plainRate({ custom_name: 'a' }), plainRate({ custom_name: 'a' })] },
    ['rates[1].custom_name: "a" stands at [0] already'],
  ],
  [
    'lists that are valid at once with one priority',
    {
      rates: undefined,
      price_lists: [
        { name: 'a', priority: 2, effective_end_date: '2026-06-30', rates: [] },
        { name: 'b', priority: 2, effective_start_date: '2026-06-30', rates: [] },
      ],
    },
    ['price_lists[1].priority: 2 is that of price_lists[0], which is valid at the same time'],
  ],
  [
    'a list that ends before it begins, and one of another currency',
    {
      rates: undefined,
      price_lists: [
        { name: 'a', effective_start_date: '2026-07-01', effective_end_date: '2026-06-30', rates: [] },
        { name: 'b', priority: 2, currency: 'EUR', rates: [] },
        { name: 'b', priority: 2.5, effective_end_date: '2026-02-30', rates: [] },
      ],
    },
    [
      'price_lists[2].effective_end_date: expected a day, YYYY-MM-DD, found "2026-02-30"',
      'price_lists[2].priority: expected a whole number from 0 to 2147483647',
      'price_lists[0].effective_end_date: expected 2026-07-01 or later, found 2026-06-30',
      'price_lists[1].currency: expected "USD", the currency of the model, found "EUR"',
      'price_lists[2].name: "b" stands at [1] already',
    ],
  ],
])('a document is refused with its path: %s', (_, changes, expected) => {
  expect(problems(emptyDocument(changes))).toEqual(
    expected.map((line) => expect.stringContaining(line) as string),
  );
});

test('all problems are reported at once, those between parts too', () => {
  const document = emptyDocument({
    currency: 3,
    markup: { value: null },
    rates: [
      7,
      plainRate({ tiered_rates: [{ value: -1 }, { value: true }] }),
      { ...tagRate({ tag_values: [{ tag_value: 'a' }, { tag_value: 'a', value: 1 }] }), metric: null },
    ],
  });
  expect(problems(document)).toEqual([
    'currency: expected text, found 3',
    'markup.value: expected a number, found null',
    'rates[0]: expected an object, found 7',
    'rates[1].tiered_rates[0].value: expected 0 or more, found -1',
    'rates[1].tiered_rates[1].value: expected a number, found true',
    'rates[2].metric: expected an object, found null',
    'rates[2].tag_rates.tag_values[0].value: missing; expected a number',
    'rates[0]: expected either tiered_rates or tag_rates, found neither',
    'rates[2].tag_rates.tag_values[1].tag_value: "a" stands at [0] already',
  ]);
});

test.each([
  ['a comma too many', 'json', '{"name": "a",}', 'm: not JSON: Expected double-quoted property name in JSON'],
  ['YAML in place of JSON', 'json', 'name: a', 'm: not JSON: Unexpected token'],
  [
    'a field twice',
    'json',
    '{"name": "a", "name": "b"}',
    'm: not JSON: Map keys must be unique at line 1, column 15',
  ],
  [
    'no end',
    'yaml',
    'name: [a',
    'm: not YAML: Flow sequence in block collection must be sufficiently indented',
  ],
  ['an alias', 'yaml', 'a: &x 1\nb: *x', 'm: aliases (*name) are not supported; write the values out'],
  ['an unknown tag', 'yaml', 'a: !x b', 'm: not YAML: Unresolved tag: !x at line 1, column 4'],
  ['nothing', 'yaml', '', 'm: 1 problem\n  expected an object, found null'],
  ['a list', 'json', '[]', 'm: 1 problem\n  expected an object, found a list'],
  ['too long', 'json', `"${'x'.repeat(2_000_000)}"`, 'm: expected at most 2000000 characters, found 2000002'],
] as const)('a text that is no document is refused with the place: %s', (_, format, text, message) => {
  expect(() => readCostModel(text, format, 'm')).toThrow(message);
});

test.each([
  ['1e400', 'expected at most 18 digits before the point, found 1e400'],
  ['1e999999999', 'expected at most 18 digits before the point, found 1e999999999'],
  ['1e-999999999', 'expected at most 15 digits after the point, found 1e-999999999'],
  ['.inf', 'expected a number, found ".inf"'],
])('a number beyond its column is refused: %s', (number, message) => {
  const text = `{name: a, source_type: OCP, currency: USD, rates: [{metric: {name: cpu_core_usage_per_hour},
    cost_type: Supplementary, tiered_rates: [{value: ${number}}]}]}`;
  expect(() => readCostModel(text, 'yaml', 'm')).toThrow(`rates[0].tiered_rates[0].value: ${message}`);
});
