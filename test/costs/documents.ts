/** A document without prices that is right. */
export function emptyDocument(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'prices', source_type: 'OCP', currency: 'USD', rates: [], ...changes };
}

/** A plain rate that is right. */
export function plainRate(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    metric: { name: 'cpu_core_usage_per_hour' },
    cost_type: 'Supplementary',
    tiered_rates: [{ value: 0.007 }],
    ...changes,
  };
}

/** A rate by a label that is right. */
export function tagRate(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    metric: { name: 'cpu_core_usage_per_hour' },
    cost_type: 'Supplementary',
    tag_rates: {
      tag_key: 'team',
      tag_values: [
        { tag_value: 'blue', value: 0.1, default: true },
        { tag_value: 'red', value: 0.2 },
      ],
      ...changes,
    },
  };
}
