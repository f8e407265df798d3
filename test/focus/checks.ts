import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decimalText, scaled } from '../../focus/decimals.ts';
import type { Row } from './exported.ts';

/*
 * What FOCUS 1.3 and docs/focus.md say of a file, as checks of their own: the columns, types and null rules below are
 * written down again, not taken from the code that writes the file.
 */
const cost = 'BilledCost ContractedCost EffectiveCost ListCost PricingCurrencyEffectiveCost';
const quantity =
  'ConsumedQuantity ContractedUnitPrice ListUnitPrice PricingCurrencyContractedUnitPrice ' +
  'PricingCurrencyListUnitPrice PricingQuantity';
const time = 'BillingPeriodEnd BillingPeriodStart ChargePeriodEnd ChargePeriodStart';
const text =
  'BillingAccountId BillingAccountName BillingCurrency ChargeCategory ChargeClass ChargeDescription ChargeFrequency ' +
  'CommitmentDiscountStatus ConsumedUnit HostProviderName InvoiceId InvoiceIssuerName PricingCategory PricingCurrency ' +
  'PricingUnit ProviderName PublisherName ResourceId ResourceName ResourceType ServiceCategory ServiceName ' +
  'ServiceProviderName ServiceSubcategory SkuId SkuMeter SkuPriceDetails SkuPriceId SubAccountId SubAccountName ' +
  'SubAccountType Tags';
const ours =
  'x_ClusterAlias x_ClusterId x_CostCategory x_CostLayer x_CostModelRateType x_DataSource x_MonthlyCostType x_Namespace ' +
  'x_Node x_NodeResourceId x_OrgId x_PersistentVolume x_SourceId x_StorageClass';
const words = (list: string) => list.split(' ');
const costs = words(cost);
const quantities = words(quantity);
const times = words(time);

/** The header of a file of version 1.3. */
export const header = [...[cost, quantity, time, text].flatMap(words).sort(), ...words(ours)];

const allowed: Readonly<Record<string, readonly string[]>> = {
  ChargeCategory: ['Usage', 'Adjustment'],
  ChargeFrequency: ['Usage-Based', 'Recurring'],
  PricingCategory: ['Standard'],
  SubAccountType: ['Project'],
  ServiceCategory: ['Compute', 'Storage', 'Networking'],
  ServiceName: [
    'OpenShift Compute',
    'OpenShift Storage',
    'OpenShift Virtualization',
    'OpenShift GPU',
    'OpenShift Network',
  ],
  ResourceType: ['GPU', 'Persistent Volume Claim', 'Virtual Machine', 'Cluster', 'Project', 'Node'],
  x_CostLayer: ['rate', 'cloud', 'markup', 'distribution', 'residue'],
};
const pools = new Set([
  'Platform unallocated',
  'Worker unallocated',
  'Storage unattributed',
  'Network unattributed',
  'GPU unallocated',
]);
const alwaysNull = ['ChargeClass', 'CommitmentDiscountStatus', 'InvoiceId'];
/** Of charges for usage alone. */
const ofUsage = [
  ...quantities,
  'ConsumedUnit',
  'PricingCategory',
  'PricingUnit',
  'SkuId',
  'SkuMeter',
  'SkuPriceId',
];
const ofProjects = ['SubAccountId', 'SubAccountName', 'SubAccountType'];
const mayBeNull = new Set([
  'BillingAccountName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'SkuPriceDetails',
  'Tags',
  ...words(ours).filter((name) => !['x_ClusterId', 'x_CostLayer', 'x_OrgId', 'x_SourceId'].includes(name)),
]);

/** Columns that say the same, in version 1.3. */
const twins: readonly [string, string][] = [
  ['x_ClusterId', 'BillingAccountId'],
  ['x_ClusterAlias', 'BillingAccountName'],
  ['PricingCurrency', 'BillingCurrency'],
  ['ConsumedQuantity', 'PricingQuantity'],
  ['ConsumedUnit', 'PricingUnit'],
  ['ContractedUnitPrice', 'ListUnitPrice'],
  ['PricingCurrencyContractedUnitPrice', 'ListUnitPrice'],
  ['PricingCurrencyListUnitPrice', 'ListUnitPrice'],
  ['ProviderName', 'ServiceProviderName'],
  ['PublisherName', 'ServiceProviderName'],
];

const decimalForm = /^-?(0|[1-9]\d*)\.(\d*[1-9]|0)$/;
const timeForm = /^\d{4}-\d\d-\d\dT00:00:00Z$/;

/** Must the cell be null? Undefined: it may be either. */
function mustBeNull(row: Row, name: string): boolean | undefined {
  if (alwaysNull.includes(name)) return true;
  if (ofUsage.includes(name)) return row['ChargeCategory'] === 'Adjustment';
  if (ofProjects.includes(name)) return row['x_Namespace'] === null || pools.has(row['x_Namespace'] ?? '');
  if (name === 'SkuPriceDetails') return row['x_CostLayer'] !== 'rate';
  if (row['x_CostLayer'] === 'distribution' && name.startsWith('Resource')) return true;
  return mayBeNull.has(name) ? undefined : false;
}

function cellProblems(row: Row): string[] {
  return header.flatMap((name) => {
    const cell = row[name] ?? null;
    const isNullDemanded = mustBeNull(row, name);
    if (cell === null) return isNullDemanded === false ? [`${name} is null`] : [];
    const found: string[] = [];
    if (isNullDemanded === true) found.push(`${name}: expected null, found ${cell}`);
    if (cell.trim() === '') found.push(`${name} is blank`);
    if ([...costs, ...quantities].includes(name)) {
      if (!decimalForm.test(cell)) found.push(`${name}: not a decimal: ${cell}`);
      const places = cell.split('.')[1]?.length ?? 0;
      if (places > (costs.includes(name) ? 15 : 20)) found.push(`${name}: ${places} places`);
    }
    if (times.includes(name) && !timeForm.test(cell)) found.push(`${name}: not a time: ${cell}`);
    if (allowed[name]?.includes(cell) === false) found.push(`${name}: ${cell} is not allowed`);
    if (name.endsWith('Currency') && !/^[A-Z]{3}$/.test(cell)) found.push(`${name}: ${cell}`);
    if (name.endsWith('Id') && /^\d+$/.test(cell)) found.push(`${name}: only digits: ${cell}`);
    if (name === 'Tags' || name === 'SkuPriceDetails') found.push(...jsonProblems(name, cell));
    return found;
  });
}

function jsonProblems(name: string, cell: string): string[] {
  const keys = [...cell.matchAll(/[{,]("(?:[^"\\]|\\.)*"):/g)].map(
    ([, key]) => JSON.parse(key ?? '""') as string,
  );
  const value = JSON.parse(cell) as Record<string, unknown>;
  const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return [
    ...(Object.keys(value).length === 0 || new Set(keys).size !== keys.length ? [`${name}: ${cell}`] : []),
    ...(keys.join('\n') === sorted.join('\n') ? [] : [`${name}: keys are not sorted: ${cell}`]),
    ...Object.values(value)
      .filter((inner) => inner === null || typeof inner === 'object')
      .map(() => `${name} is not flat: ${cell}`),
  ];
}

/** What columns say of each other. */
function agreementProblems(row: Row): string[] {
  const cell = (name: string) => row[name] ?? null;
  const day = cell('ChargePeriodStart') ?? '';
  const [year = 0, month = 0, ofMonth = 0] = day.split(/[-T]/).map(Number);
  const midnight = (...date: [number, number, number]) =>
    `${new Date(Date.UTC(...date)).toISOString().slice(0, 19)}Z`;
  const account = cell('BillingAccountId') ?? '';
  const expected: [name: string, expected: string | null][] = [
    ...twins.map(([name, twin]): [string, string | null] => [name, cell(twin)]),
    ['ChargePeriodEnd', midnight(year, month - 1, ofMonth + 1)],
    ['BillingPeriodStart', midnight(year, month - 1, 1)],
    ['BillingPeriodEnd', midnight(year, month, 1)],
    ['SubAccountId', cell('SubAccountName') === null ? null : `${account}/${cell('SubAccountName') ?? ''}`],
  ];
  const begins: [name: string, beginning: string][] = [
    ['x_OrgId', 'org'],
    ['ResourceId', account],
    ['SubAccountName', cell('x_Namespace') ?? ''],
    [
      'SkuId',
      cell('x_CostLayer') === 'cloud' ? 'cloud/pass-through' : `${cell('x_CostModelRateType') ?? ''}/`,
    ],
  ];
  const sku = cell('SkuId');
  return [
    ...expected.flatMap(([name, value]) =>
      cell(name) === value ? [] : [`${name}: expected ${value ?? 'null'}, found ${cell(name) ?? 'null'}`],
    ),
    ...begins.flatMap(([name, beginning]) =>
      cell(name)?.startsWith(beginning) === false
        ? [`${name}: expected ${beginning}…, found ${cell(name) ?? ''}`]
        : [],
    ),
    ...(sku === null || cell('SkuPriceId')?.includes(sku) === true ? [] : [`SkuPriceId is not of ${sku}`]),
  ];
}

/** 35 digits after the point: a quantity of 20 times a price of 15. */
function priceProblems(row: Row, billed: 'chargeback' | 'showback'): string[] {
  const amount = row['EffectiveCost'] ?? '';
  const equal = ['ListCost', 'ContractedCost', 'PricingCurrencyEffectiveCost'].filter(
    (name) => row[name] !== amount,
  );
  const bill = billed === 'showback' ? '0.0' : amount;
  const found = [...equal, ...(row['BilledCost'] === bill ? [] : ['BilledCost'])].map(
    (name) => `${name}: expected ${amount}, found ${row[name] ?? ''}`,
  );
  const [price, count] = [row['ListUnitPrice'] ?? null, row['PricingQuantity'] ?? null];
  if (price === null || count === null) return found;
  if (price.startsWith('-')) found.push('the price is negative');
  const exact = scaled(amount, 40);
  const difference = scaled(price, 20) * scaled(count, 20) - exact;
  // 1e-9 of the amount, or of 1 where that is more.
  const limit = 10n ** 31n * (magnitude(exact) > 10n ** 40n ? magnitude(exact) / 10n ** 40n : 1n);
  if (magnitude(difference) > limit) found.push(`${price} · ${count} is not ${amount}`);
  return found;
}

const magnitude = (value: bigint) => (value < 0n ? -value : value);

/** Pairs of columns of which the first decides the second. */
const determines: readonly [string, string][] = [
  ['SkuPriceId', 'SkuId'],
  ['SkuPriceId', 'ListUnitPrice'],
  ['ServiceName', 'ServiceCategory'],
  ['ServiceName', 'ServiceSubcategory'],
  ['SubAccountId', 'SubAccountName'],
  ['ResourceId', 'ResourceType'],
];

function relationProblems(rows: readonly Row[]): string[] {
  return determines.flatMap(([key, value]) => {
    const known = new Map<string, string | null>();
    return rows.flatMap((row) => {
      const name = row[key] ?? null;
      if (name === null) return [];
      const before = known.get(name);
      known.set(name, row[value] ?? null);
      return before === undefined || before === row[value] ? [] : [`${key} ${name} has two of ${value}`];
    });
  });
}

const identity = words(
  'ChargePeriodStart x_ClusterId x_CostLayer x_CostModelRateType SkuPriceId ResourceId x_Namespace x_Node x_DataSource Tags',
);

function duplicates(rows: readonly Row[]): string[] {
  const seen = new Set<string>();
  return rows.flatMap((row) => {
    const key = JSON.stringify([
      ...identity.map((name) => row[name]),
      row['EffectiveCost']?.startsWith('-') ?? false,
    ]);
    if (seen.has(key)) return [`two lines are alike: ${key}`];
    seen.add(key);
    return [];
  });
}

/** Columns that the lines are sorted by, null last, by bytes. */
const order = words(
  'ChargePeriodStart x_ClusterId x_Namespace x_Node x_DataSource ResourceId SkuPriceId x_CostModelRateType Tags',
);

function disorder(rows: readonly Row[]): string[] {
  return rows.slice(1).flatMap((row, index) => {
    for (const name of order) {
      const [a, b] = [rows[index]?.[name] ?? null, row[name] ?? null];
      if (a === b) continue;
      const isBefore = b === null || (a !== null && Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0);
      return isBefore ? [] : [`line ${index + 2}: ${name} ${b} after ${a ?? 'null'}`];
    }
    return [];
  });
}

/**
 * What is wrong with the lines of a file; nothing, if all is well.
 *
 * @param options.repeats rows that look alike are right: those of prices of nodes by a label
 */
export function violations(
  rows: readonly Row[],
  options: { billed?: 'chargeback' | 'showback'; repeats?: boolean } = {},
): string[] {
  const ofRows = rows.flatMap((row, index) =>
    [
      ...cellProblems(row),
      ...agreementProblems(row),
      ...priceProblems(row, options.billed ?? 'chargeback'),
    ].map((problem) => `line ${index + 1}: ${problem}`),
  );
  return [
    ...ofRows,
    ...relationProblems(rows),
    ...(options.repeats === true ? [] : duplicates(rows)),
    ...disorder(rows),
  ];
}

interface Metadata {
  DatasetInstance: { DatasetInstanceId: string; FocusDatasetId: string }[];
  Schema: { DatasetInstanceId: string; FocusVersion: string; ColumnDefinition: Record<string, unknown>[] }[];
  Recency: { DatasetInstanceId: string; TimeSectors: { Start: string; End: string }[] }[];
  Artifact: { Sha256: string; Rows: number; Totals: { Currency: string; Layer: string; Cost: string }[] };
}

/** What the metadata say of a column. */
function definitionOf(name: string): Record<string, unknown> {
  const decimal = (NumberScale: number) => ({ DataType: 'DECIMAL', NumericPrecision: 38, NumberScale });
  const isJson = name === 'Tags' || name === 'SkuPriceDetails';
  return {
    ColumnName: name,
    ...(costs.includes(name)
      ? decimal(15)
      : quantities.includes(name)
        ? decimal(20)
        : times.includes(name)
          ? { DataType: 'DATETIME' }
          : { DataType: isJson ? 'JSON' : 'STRING', StringEncoding: 'UTF-8' }),
    ...(name === 'ChargeDescription' && { StringMaxLength: 1024 }),
    ...(['ProviderName', 'PublisherName'].includes(name) && { Deprecated: true }),
    ...(name === 'Tags' && { ProviderTagPrefixes: ['openshift/'] }),
  };
}

/** What the metadata beside a file of version 1.3 say that is not so. */
export async function metadataProblems(path: string, rows: readonly Row[]): Promise<string[]> {
  const metadata = JSON.parse(await readFile(`${path}.meta.json`, 'utf8')) as Metadata;
  const [{ DatasetInstanceId: instance, FocusDatasetId: dataset } = {}] = metadata.DatasetInstance;
  const [schema, recency] = [metadata.Schema[0], metadata.Recency[0]];
  const sectors = recency?.TimeSectors ?? [];
  const { Sha256, Rows, Totals } = metadata.Artifact;
  const hash = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  const keyOf = (row: Row) => `${row['BillingCurrency'] ?? ''} ${row['x_CostLayer'] ?? ''}`;
  const sums = [...new Set(rows.map(keyOf))]
    .map((key) => `${key} ${decimalText(sumOf(rows.filter((row) => keyOf(row) === key)))}`)
    .sort();
  const isSo: [what: string, so: boolean][] = [
    ['the dataset', dataset === 'CostAndUsage'],
    ['the instances', schema?.DatasetInstanceId === instance && recency?.DatasetInstanceId === instance],
    ['the version', schema?.FocusVersion === '1.3'],
    [
      'the columns',
      JSON.stringify(schema?.ColumnDefinition) === JSON.stringify(header.map((name) => definitionOf(name))),
    ],
    [
      'the days',
      sectors.length > 27 && sectors.slice(1).every(({ Start }, index) => Start === sectors[index]?.End),
    ],
    ['the checksum', hash === Sha256],
    ['the number of lines', Rows === rows.length],
    [
      'the sums',
      Totals.map(({ Currency, Layer, Cost }) => `${Currency} ${Layer} ${Cost}`)
        .sort()
        .join() === sums.join(),
    ],
  ];
  return isSo.flatMap(([what, so]) => (so ? [] : [`metadata: ${what}`]));
}

/** Sum of a column over lines, exactly. */
export function sumOf(rows: readonly Row[], column = 'EffectiveCost'): string {
  const sum = rows.reduce((total, row) => total + scaled(row[column] ?? '0', 15), 0n);
  const digits = magnitude(sum).toString().padStart(16, '0');
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -15)}.${digits.slice(-15)}`;
}
