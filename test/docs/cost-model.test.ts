import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { metricNames, metrics } from '../../domain/costs/metrics.ts';
import { byLabel, giveModel, plain, priceDay } from '../costs/priced-source.ts';
import { stageGpus } from '../costs/staged-gpus.ts';
import { addCostRow } from '../summary/cost-row.ts';
import { podHours, vmHour } from '../summary/vm-fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { day, stageExample } from '../support/worked-example.ts';

/* The tables of docs/cost-model.md, each row computed with the functions that compute costs. */
const page = await readFile(new URL('../../docs/cost-model.md', import.meta.url), 'utf8');

type Row = Record<string, string>;

/** Rows of all tables of the page that have these columns, by column. */
function rowsWith(...columns: string[]): Row[] {
  return page.split(/\n\n/).flatMap((block) => {
    const [header = [], , ...rows] = block
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', '')),
      );
    if (!columns.every((column) => header.includes(column))) return [];
    return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])));
  });
}

const priceRows = rowsWith('Metric', 'Distributed by', 'Price', 'Of', 'Quantity', 'Cost');
const distributionRows = rowsWith('Distribution', 'By', 'Pool', 'Receiver', 'Distributed');

let database: TestDatabase;
/** What each part of the page is about: the example of DOMAIN §12, machines, GPUs. */
let sources: Record<'usage' | 'vm' | 'gpu', StagedSource>;

beforeAll(async () => {
  database = await createTestDatabase();
  const [usage, vm, gpu] = [
    await createStagedSource(database, '2026-10'),
    await createStagedSource(database, '2026-10'),
    await createStagedSource(database, '2026-10'),
  ];
  sources = { usage, vm, gpu };
  await stageExample(usage);
  await usage.summarise('koku', day);
  for (const namespace of ['Storage unattributed', 'Network unattributed'])
    await addCostRow(usage, day, { data_source: 'Storage', namespace, infrastructure_raw_cost: 10 });

  await vm.enableKeys('size');
  await vm.stage('pod_usage', day, podHours({ vm_kubevirt_io_name: 'db', size: 'xl' }));
  await vm.stage('vm_usage', day, [
    vmHour(0, { cores: 4, memory: 4 }),
    vmHour(1, { cores: 2, memory: 4, uptime: 1800 }),
  ]);
  await vm.summarise('koku', day);

  await stageGpus(gpu, day);
  await gpu.summarise('koku', day);
});

function sourceOf(metric: string): StagedSource {
  if (metric.startsWith('vm')) return sources.vm;
  return metric.startsWith('gpu') ? sources.gpu : sources.usage;
}

/** `app=web`: a price of this value alone; `app, default`: of every value but one that nobody has. */
function rateOf({ Metric = '', Label = '', Price = '' }: Row): object {
  const [, key = '', value = ''] = /^(\w+)(?:=(.*)|, default)$/.exec(Label) ?? [];
  if (key === '') return plain(Metric, Number(Price));
  return byLabel(Metric, key, { [value === '' ? 'nobody has it*' : value]: Number(Price) });
}

/** To six decimals; a number with fewer than five is exact. */
function expectAsPrinted(found: number | undefined, printed: string | undefined, what: string): void {
  const decimals = /\.(\d+)$/.exec(printed ?? '')?.[1]?.length ?? 0;
  expect(Math.abs((found ?? Number.NaN) - Number(printed)), `${what}: ${found}, not ${printed}`).toBeLessThan(
    decimals < 5 ? 1e-9 : 0.5e-6,
  );
}

const [namespaceAt, nodeAt, detailAt] = [0, 1, 2];

describe('prices', () => {
  test('every metric has an example in every form', () => {
    const examples = (name: string, isTagged: boolean) =>
      priceRows.filter(({ Metric, Label = '' }) => Metric === name && (Label !== '') === isTagged);
    for (const name of metricNames) {
      const { plain: hasPlain, tagged }: { plain: boolean; tagged: boolean } = metrics[name];
      for (const [isTagged, isThere] of [
        [false, hasPlain],
        [true, tagged],
      ] as const)
        // prettier-ignore
        expect(examples(name, isTagged).length > 0, `${name} by label: ${isTagged}`).toBe(isThere);
    }
  });

  test.for(priceRows.map((row) => ({ ...row, name: Object.values(row).slice(0, -2).join(' ') })))(
    '$name',
    async (row: Row) => {
      const metric = row['Metric'] ?? '';
      const source = sourceOf(metric);
      const by = row['Distributed by']?.toLowerCase();
      await giveModel(source, [rateOf(row)], { distribution: { distribution_type: by } });
      const of = (row['Of'] ?? '').split(', ');
      const found = await source.query<{ quantity: number; price: number; cost: number }>(
        `select quantity::float8 as quantity, unit_price::float8 as price, cost::float8 as cost
       from ocp_cost_lines($1, array[$2::date])
       where metric = $3
           and namespace = $4
           and node is not distinct from $5
           and (
               $6::text is null
               or persistentvolumeclaim = $6
               or data_source <> 'Storage' and coalesce(pod_labels, all_labels) @> jsonb_build_object(split_part($6, '=', 1), split_part($6, '=', 2))
           )`,
        [source.sourceUuid, day, metric, of[namespaceAt], of[nodeAt], of[detailAt] ?? null],
      );
      expect(found).toHaveLength(1);
      expect(found[0]?.price).toBe(Number(row['Price']));
      expectAsPrinted(found[0]?.quantity, row['Quantity'], 'quantity');
      expectAsPrinted(found[0]?.cost, row['Cost'], 'cost');
    },
  );
});

test('every distribution has an example under both ways', () => {
  const types = rowsWith('distribution_info', 'Distribution').map((row) => row['Distribution']);
  expect(types).toHaveLength(5);
  expect(distributionRows.map((row) => `${row['Distribution']} ${row['By']}`).sort()).toEqual(
    types.flatMap((type) => [`${type} CPU`, `${type} memory`]).sort(),
  );
});

test.for(distributionRows)('$Distribution by $By', async (row) => {
  const isGpu = row['Distribution'] === 'gpu_distributed';
  const source = isGpu ? sources.gpu : sources.usage;
  const rate = isGpu
    ? byLabel('gpu_cost_per_month', 'nvidia', { 'Tesla T4': 310 })
    : plain('cluster_cost_per_month', 310);
  const distribution = {
    distribution_type: row['By']?.toLowerCase(),
    platform_cost: true,
    worker_cost: true,
    storage_unattributed: true,
    network_unattributed: true,
    gpu_unallocated: true,
  };
  await giveModel(source, [rate], { distribution, markup: { value: 10, unit: 'percent' } });
  await priceDay(source, day);
  const [namespace, node] = (row['Receiver'] ?? '').split(', ');
  const [found] = await source.query<{ pool: number; share: number; rest: number }>(
    `select -sum(distributed_cost) filter (where distributed_cost < 0)::float8 as pool,
         sum(distributed_cost) filter (where namespace = $4 and node = $5)::float8 as share,
         sum(distributed_cost)::float8 as rest
     from reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and usage_start = $2 and cost_model_rate_type = $3`,
    [source.sourceUuid, day, row['Distribution'], namespace, node],
  );
  expectAsPrinted(found?.pool, row['Pool'], 'pool');
  expectAsPrinted(found?.share, row['Distributed'], 'share');
  expect(Math.abs(found?.rest ?? Number.NaN)).toBeLessThan(1e-9);
});
