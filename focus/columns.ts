import { isInventedNamespace } from '../domain/reports/invented-namespaces.ts';
import { costScale, decimalText, quantityScale } from './decimals.ts';
import type { Line, LineContext } from './line.ts';
import { serviceOf, skuOf } from './skus.ts';

/** Versions of the specification that are written. */
export const focusVersions = ['1.2', '1.3'] as const;
export type FocusVersion = (typeof focusVersions)[number];

/** A column of the export. */
export interface Column {
  name: string;
  type: 'text' | 'json' | 'time' | 'cost' | 'quantity';
  isNullable: boolean;
  /** first version that has it; undefined: all */
  since?: FocusVersion;
  /** deprecated since this version, but still demanded */
  deprecatedSince?: FocusVersion;
  /** maximum length of a text, where one is promised */
  maxLength?: number;
  /** as CSV has it: decimals without trailing zeros, times in UTC; null: no value */
  value: (line: Line, context: LineContext) => string | null;
}

type Facts = Omit<Column, 'name' | 'type' | 'isNullable' | 'value'>;
type Value = Column['value'];

const text = (name: string, value: Value, facts: Facts = {}): Column => ({
  name,
  type: 'text',
  isNullable: false,
  value,
  ...facts,
});
const orNull = (column: Column): Column => ({ ...column, isNullable: true });
const json = (name: string, value: Value): Column => ({ name, type: 'json', isNullable: true, value });
const time = (name: string, day: (context: LineContext) => string): Column => ({
  name,
  type: 'time',
  isNullable: false,
  value: (_, context) => `${day(context)}T00:00:00Z`,
});
const cost = (name: string, value: Value = amount): Column => ({
  name,
  type: 'cost',
  isNullable: false,
  value,
});
const quantity = (name: string, value: Value): Column => ({
  name,
  type: 'quantity',
  isNullable: true,
  value,
});

const none: Value = () => null;
const amount: Value = (line) => decimalText(line.cost);
const price: Value = (line) => line.unit_price && decimalText(line.unit_price);
const priced: Value = (line) => line.quantity && decimalText(line.quantity);
const unit: Value = (line) => skuOf(line)?.unit ?? null;
const currency: Value = (line) => line.currency;
const provider: Value = (_, context) => context.provider;

/** The project that the line is charged to; null for costs that nobody owns. */
function account(line: Line): string | null {
  return line.project === null || isInventedNamespace(line.project) ? null : line.project;
}

const maxDescriptionLength = 1024;

function description(line: Line, context: LineContext): string {
  const sku = skuOf(line);
  if (line.layer === 'rate' && sku !== undefined)
    return [
      `${sku.meter}: ${decimalText(line.quantity ?? '0')} ${sku.unit}`,
      `at ${decimalText(line.unit_price ?? '0')} ${line.currency} (${line.rate_type ?? ''})`,
    ].join(' ');
  if (line.layer === 'cloud') return 'Cloud cost of the node or volume';
  if (line.layer === 'markup')
    return context.markupPercent === undefined ? 'Markup' : `Markup ${context.markupPercent} %`;
  if (line.layer === 'distribution')
    return `${line.rate_type ?? ''}: shared cost ${line.cost.startsWith('-') ? 'handed on' : 'received'}`;
  return 'Cost that the prices of today do not explain';
}

function priceDetails(line: Line): string | null {
  if (line.price_list_id === null) return null;
  const details = {
    x_PriceListId: line.price_list_id,
    ...(line.price_list_version !== null && { x_PriceListVersion: line.price_list_version }),
    ...(line.rate_name !== null && { x_RateName: line.rate_name }),
  };
  return JSON.stringify(details);
}

/** Of the specification, in the order of their names. */
const ofFocus: readonly Column[] = [
  cost('BilledCost', (line, context) => (context.billed === 'showback' ? '0.0' : decimalText(line.cost))),
  text('BillingAccountId', (line) => line.cluster_id),
  orNull(text('BillingAccountName', (line) => line.cluster_alias)),
  text('BillingCurrency', currency),
  time('BillingPeriodEnd', (context) => context.monthEnd),
  time('BillingPeriodStart', (context) => context.monthStart),
  text('ChargeCategory', (line) =>
    line.layer === 'rate' || line.layer === 'cloud' ? 'Usage' : 'Adjustment',
  ),
  orNull(text('ChargeClass', none)),
  text('ChargeDescription', (line, context) => description(line, context).slice(0, maxDescriptionLength), {
    maxLength: maxDescriptionLength,
  }),
  text('ChargeFrequency', (line) => (skuOf(line)?.isRecurring === true ? 'Recurring' : 'Usage-Based')),
  time('ChargePeriodEnd', (context) => context.nextDay),
  time('ChargePeriodStart', (context) => context.day),
  orNull(text('CommitmentDiscountStatus', none)),
  quantity('ConsumedQuantity', priced),
  orNull(text('ConsumedUnit', unit)),
  cost('ContractedCost'),
  quantity('ContractedUnitPrice', price),
  cost('EffectiveCost'),
  orNull(text('HostProviderName', (_, context) => context.host, { since: '1.3' })),
  orNull(text('InvoiceId', none)),
  text('InvoiceIssuerName', (_, context) => context.issuer),
  cost('ListCost'),
  quantity('ListUnitPrice', price),
  orNull(text('PricingCategory', (line) => (skuOf(line) === undefined ? null : 'Standard'))),
  text('PricingCurrency', currency),
  quantity('PricingCurrencyContractedUnitPrice', price),
  cost('PricingCurrencyEffectiveCost'),
  quantity('PricingCurrencyListUnitPrice', price),
  quantity('PricingQuantity', priced),
  orNull(text('PricingUnit', unit)),
  text('ProviderName', provider, { deprecatedSince: '1.3' }),
  text('PublisherName', provider, { deprecatedSince: '1.3' }),
  orNull(text('ResourceId', (line) => line.resource_id)),
  orNull(text('ResourceName', (line) => line.resource_name)),
  orNull(text('ResourceType', (line) => line.resource_type)),
  text('ServiceCategory', (line) => serviceOf(line).category),
  text('ServiceName', (line) => serviceOf(line).name),
  text('ServiceProviderName', provider, { since: '1.3' }),
  text('ServiceSubcategory', (line) => serviceOf(line).subcategory),
  orNull(text('SkuId', (line) => line.sku_id)),
  orNull(text('SkuMeter', (line) => skuOf(line)?.meter ?? null)),
  json('SkuPriceDetails', priceDetails),
  orNull(text('SkuPriceId', (line) => line.sku_price_id)),
  orNull(
    text('SubAccountId', (line) => {
      const project = account(line);
      return project === null ? null : `${line.cluster_id}/${project}`;
    }),
  ),
  orNull(text('SubAccountName', account)),
  orNull(text('SubAccountType', (line) => (account(line) === null ? null : 'Project'))),
  json('Tags', (line) => line.tags),
];

/** Of this program, in the order of their names. */
const ofOurs: readonly Column[] = [
  orNull(text('x_ClusterAlias', (line) => line.cluster_alias)),
  text('x_ClusterId', (line) => line.cluster_id),
  orNull(text('x_CostCategory', (line) => line.cost_category)),
  text('x_CostLayer', (line) => line.layer),
  orNull(text('x_CostModelRateType', (line) => line.rate_type)),
  orNull(text('x_DataSource', (line) => line.data_source)),
  orNull(text('x_MonthlyCostType', (line) => line.monthly_cost_type)),
  orNull(text('x_Namespace', (line) => line.project)),
  orNull(text('x_Node', (line) => line.node)),
  orNull(text('x_NodeResourceId', (line) => line.node_resource_id)),
  text('x_OrgId', (_, context) => `org${context.orgId}`),
  orNull(text('x_PersistentVolume', (line) => line.persistent_volume)),
  text('x_SourceId', (_, context) => context.sourceUuid),
  orNull(text('x_StorageClass', (line) => line.storage_class)),
];

/** The columns of a version, in the order of the file. */
export function columnsOf(version: FocusVersion): Column[] {
  return [...ofFocus, ...ofOurs].filter(({ since }) => since === undefined || since <= version);
}

/** Digits after the point that a decimal column may have; undefined: not a decimal. */
export function scaleOf({ type }: Column): number | undefined {
  return type === 'cost' ? costScale : type === 'quantity' ? quantityScale : undefined;
}
