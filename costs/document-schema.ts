import { z } from 'zod';
import { checkedDecimal, Decimal, isNegative } from '../domain/costs/decimal.ts';
import type { DecimalLimits } from '../domain/costs/decimal.ts';
import { costTypes, metricNames } from '../domain/costs/metrics.ts';
import { isUsageDay } from '../domain/time/usage-day.ts';
import { shown } from './document-problems.ts';

/** `cost_model_rate.default_rate` is numeric(33, 15). */
const rateLimits = { integerDigits: 18, fractionDigits: 15 } as const satisfies DecimalLimits;
/** Columns of `cost_model_rate`. */
const maxCustomName = 50;
const maxTagKey = 253;
const maxPriority = 2_147_483_647;

/** Koku's answer to GET has more than its POST takes: what a document that was copied from it has is passed over. */
const answered = z
  .unknown()
  .optional()
  .meta({ description: 'in the answer of Koku; not read', readOnly: true });

/** A {@link Decimal} is an object to Zod, but none to whoever wrote the number. */
function objectOf<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess(
    (input) => (input instanceof Decimal ? Number(input.text) : input),
    z.strictObject(shape),
  );
}

function decimal(limits: DecimalLimits, problemOf: (value: Decimal) => string | undefined) {
  return z.unknown().transform((input, context): Decimal => {
    const text = input instanceof Decimal ? input.text : typeof input === 'string' ? input : undefined;
    const checked =
      input === undefined
        ? { problem: 'missing; expected a number' }
        : text === undefined
          ? { problem: `expected a number, found ${shown(input)}` }
          : checkedDecimal(text, limits);
    const problem = 'problem' in checked ? checked.problem : problemOf(checked.value);
    if ('value' in checked && problem === undefined) return checked.value;
    context.issues.push({ code: 'custom', message: problem ?? '', input });
    return z.NEVER;
  });
}

const price = decimal(rateLimits, (value) =>
  isNegative(value) ? `expected 0 or more, found ${value.text}` : undefined,
).meta({ type: 'number', minimum: 0, description: 'price of one unit, at most 15 digits after the point' });

const bound = z
  .unknown()
  .transform((input, context): Decimal | null => {
    if (input === null || input === undefined) return null;
    const checked = input instanceof Decimal ? checkedDecimal(input.text, rateLimits) : undefined;
    if (checked !== undefined && 'value' in checked) return checked.value;
    context.issues.push({ code: 'custom', message: checked?.problem ?? 'expected a number or null', input });
    return z.NEVER;
  })
  .optional()
  .meta({ type: ['number', 'null'], description: 'of a tier; null: without bound' });

const knownCurrencies = new Set(Intl.supportedValuesOf('currency'));

const currency = z
  .string()
  .superRefine((code, context) => {
    if (!knownCurrencies.has(code))
      context.addIssue({
        code: 'custom',
        message: `expected a currency of ISO 4217 such as USD, found ${JSON.stringify(code)}`,
      });
  })
  .meta({ description: 'currency of ISO 4217', pattern: '^[A-Z]{3}$', examples: ['USD'] });

const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .superRefine((text, context) => {
      if (/\p{Control}/u.test(text))
        context.addIssue({ code: 'custom', message: 'expected no control characters' });
    });

const day = z
  .string()
  .superRefine((text, context) => {
    if (!isUsageDay(text))
      context.addIssue({
        code: 'custom',
        message: `expected a day, YYYY-MM-DD, found ${JSON.stringify(text)}`,
      });
  })
  .meta({ format: 'date' });

const tier = objectOf({
  value: price,
  unit: currency.optional(),
  usage_start: bound,
  usage_end: bound,
  usage: objectOf({ usage_start: bound, usage_end: bound, unit: currency.optional() }).optional(),
});

const tagValue = objectOf({
  tag_value: z.string().min(1).meta({ description: 'value of the label' }),
  value: price,
  unit: currency.optional(),
  default: z.boolean().optional().meta({ description: 'also the price of every value that is not listed' }),
  description: z.string().optional(),
  usage: answered,
});

const tagRates = objectOf({
  tag_key: name(maxTagKey).meta({ description: 'label key, as reports write it; of GPUs the vendor' }),
  tag_values: z.array(tagValue).min(1),
});

const metric = objectOf({
  name: z.enum(metricNames),
  label_metric: answered,
  label_measurement: answered,
  label_measurement_unit: answered,
});

const rate = objectOf({
  metric,
  cost_type: z.enum(costTypes),
  custom_name: name(maxCustomName)
    .optional()
    .meta({ description: 'unique in its price list; made of metric and cost type when left out' }),
  description: z.string().optional(),
  tiered_rates: z
    .array(tier)
    .min(1)
    .optional()
    .meta({ description: 'one price; of several tiers the first applies' }),
  tag_rates: tagRates.optional().meta({ description: 'a price by the value of a label' }),
  rate_id: answered,
});

const priceList = objectOf({
  name: name(256).meta({ description: 'unique in the model' }),
  description: z.string().optional(),
  currency: currency.optional().meta({ description: 'that of the model' }),
  effective_start_date: day.optional().meta({ description: 'first day; 2000-01-01 when left out' }),
  effective_end_date: day.optional().meta({ description: 'last day; 2099-12-31 when left out' }),
  enabled: z.boolean().optional(),
  priority: z
    .unknown()
    .transform((input, context): number => {
      const value = input === undefined ? 1 : input instanceof Decimal ? Number(input.text) : Number.NaN;
      if (Number.isInteger(value) && value >= 0 && value <= maxPriority) return value;
      context.issues.push({
        code: 'custom',
        message: `expected a whole number from 0 to ${maxPriority}`,
        input,
      });
      return z.NEVER;
    })
    .optional()
    .meta({
      type: 'integer',
      minimum: 0,
      maximum: maxPriority,
      description:
        'of the lists that are valid in a month the one with the lowest number applies; 1 when left out',
    }),
  rates: z.array(rate),
  uuid: answered,
  version: answered,
  created_timestamp: answered,
  updated_timestamp: answered,
});

const percent = decimal({ integerDigits: 9, fractionDigits: 10 }, (value) =>
  Number(value.text) < -100 ? `expected -100 or more, found ${value.text}` : undefined,
).meta({ type: 'number', minimum: -100 });

/** Koku's cost-models API document, as it may be written. DOMAIN §8.1 */
export const documentSchema = objectOf({
  name: name(256).meta({ description: 'the model is known by it in the organisation' }),
  description: z.string().optional(),
  source_type: z.enum(['OCP', 'OpenShift Container Platform']),
  currency: currency
    .optional()
    .meta({ description: 'that the organisation chose in Koku, else USD, when left out' }),
  distribution_info: objectOf({
    distribution_type: z.enum(['cpu', 'memory']).optional(),
    platform_cost: z.boolean().optional(),
    worker_cost: z.boolean().optional(),
    network_unattributed: z.boolean().optional(),
    storage_unattributed: z.boolean().optional(),
    gpu_unallocated: z.boolean().optional(),
  }).optional(),
  markup: objectOf({ value: percent.optional(), unit: z.literal('percent').optional() })
    .optional()
    .meta({ description: 'on cloud cost' }),
  rates: z
    .array(rate)
    .optional()
    .meta({ description: 'one price list that is always valid; or else price_lists' }),
  price_lists: z.array(priceList).optional(),
  distribution: answered,
  uuid: answered,
  sources: answered,
  source_uuids: answered,
  created_timestamp: answered,
  updated_timestamp: answered,
});

export type RateDocument = z.output<typeof rate>;
export type PriceListDocument = z.output<typeof priceList>;
export type CostModelDocument = z.output<typeof documentSchema>;
