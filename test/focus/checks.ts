import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { scaled } from '../../focus/decimals.ts';
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
  for (const name of ['ContractedUnitPrice', 'ListUnitPrice', 'PricingCurrencyListUnitPrice']) {
    const [price, count] = [row[name] ?? null, row['PricingQuantity'] ?? null];
    if (price === null || count === null) continue;
    if (price.startsWith('-')) found.push(`${name} is negative`);
    const product = scaled(price, 20) * scaled(count, 20);
    const difference = product - scaled(amount, 40);
    const limit =
      10n ** 31n *
      (magnitude(scaled(amount, 40)) > 10n ** 40n ? magnitude(scaled(amount, 40)) / 10n ** 40n : 1n);
    if (magnitude(difference) > limit) found.push(`${name}: ${price} · ${count} is not ${amount}`);
  }
  if (row['ConsumedQuantity'] !== row['PricingQuantity']) found.push('ConsumedQuantity');
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
      if (name === null || (key === 'SkuPriceId' && name.startsWith('cloud/'))) return [];
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
    [...cellProblems(row), ...priceProblems(row, options.billed ?? 'chargeback')].map(
      (problem) => `line ${index + 1}: ${problem}`,
    ),
  );
  return [
    ...ofRows,
    ...relationProblems(rows),
    ...(options.repeats === true ? [] : duplicates(rows)),
    ...disorder(rows),
  ];
}

/** What the metadata beside a file say that is not so. */
export async function metadataProblems(path: string): Promise<string[]> {
  const metadata = JSON.parse(await readFile(`${path}.meta.json`, 'utf8')) as {
    Schema: { ColumnDefinition: { ColumnName: string }[] }[];
    Artifact: { Sha256: string };
  };
  const names = metadata.Schema[0]?.ColumnDefinition.map(({ ColumnName }) => ColumnName) ?? [];
  const hash = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return [
    ...(names.join() === header.join() ? [] : ['the columns are not those of the file']),
    ...(hash === metadata.Artifact.Sha256 ? [] : ['the checksum is not that of the file']),
  ];
}

/** Sum of a column over lines, exactly. */
export function sumOf(rows: readonly Row[], column = 'EffectiveCost'): string {
  const sum = rows.reduce((total, row) => total + scaled(row[column] ?? '0', 15), 0n);
  const digits = magnitude(sum).toString().padStart(16, '0');
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -15)}.${digits.slice(-15)}`;
}
