import type { MetricName } from '../../domain/costs/metrics.ts';

const prices: readonly [MetricName, 'Infrastructure' | 'Supplementary', number][] = [
  ['cpu_core_usage_per_hour', 'Supplementary', 0.007],
  ['cpu_core_request_per_hour', 'Supplementary', 0.2],
  ['cpu_core_effective_usage_per_hour', 'Infrastructure', 0.01],
  ['memory_gb_usage_per_hour', 'Supplementary', 0.009],
  ['memory_gb_request_per_hour', 'Infrastructure', 0.05],
  ['memory_gb_effective_usage_per_hour', 'Supplementary', 0.005],
  ['storage_gb_usage_per_month', 'Supplementary', 0.01],
  ['storage_gb_request_per_month', 'Infrastructure', 0.02],
  ['node_cost_per_month', 'Infrastructure', 1_000],
  ['node_core_cost_per_hour', 'Supplementary', 0.03],
  ['cluster_cost_per_month', 'Infrastructure', 10_000],
  ['cluster_cost_per_hour', 'Supplementary', 3.45],
  ['pvc_cost_per_month', 'Supplementary', 5],
];

/**
 * A cost model with as many rates as a thorough one: four or five cost rows for each row of pods, everything
 * distributed.
 */
export const benchCostModel = {
  name: 'bench',
  source_type: 'OCP',
  currency: 'USD',
  markup: { value: 10, unit: 'percent' },
  distribution_info: {
    platform_cost: true,
    worker_cost: true,
    storage_unattributed: true,
    network_unattributed: true,
    gpu_unallocated: true,
  },
  rates: prices.map(([name, cost_type, value]) => ({
    metric: { name },
    cost_type,
    tiered_rates: [{ value }],
  })),
};
