/** The two kinds of cost that a rate may belong to. */
export const costTypes = ['Infrastructure', 'Supplementary'] as const;

/** What a rate is multiplied by, and the forms it may have. DOMAIN §8.2–8.5, §7.2. */
export interface MetricFacts {
  /** `cost_model_rate.metric_type` */
  metricType: 'cpu' | 'memory' | 'storage' | 'node' | 'cluster' | 'pvc' | 'vm' | 'project' | 'gpu';
  /** which rows it prices: measured usage, the days of a month, hours of a machine, GPUs */
  family: 'usage' | 'monthly' | 'vmHourly' | 'gpu';
  /** what the price is for one of: an hour of the unit, or a month of it */
  per: 'hour' | 'month';
  costTypes: readonly (typeof costTypes)[number][];
  /** one price for all (`tiered_rates`) */
  plain: boolean;
  /** a price by the value of a label (`tag_rates`) */
  tagged: boolean;
}

const facts = (
  metricType: MetricFacts['metricType'],
  family: MetricFacts['family'],
  per: MetricFacts['per'],
  forms: 'plain' | 'tagged' | 'both',
): MetricFacts => ({
  metricType,
  family,
  per,
  costTypes,
  plain: forms !== 'tagged',
  tagged: forms !== 'plain',
});

/** Every metric that a rate may be of, by Koku's name. */
export const metrics = {
  cpu_core_usage_per_hour: facts('cpu', 'usage', 'hour', 'both'),
  cpu_core_request_per_hour: facts('cpu', 'usage', 'hour', 'both'),
  cpu_core_effective_usage_per_hour: facts('cpu', 'usage', 'hour', 'both'),
  memory_gb_usage_per_hour: facts('memory', 'usage', 'hour', 'both'),
  memory_gb_request_per_hour: facts('memory', 'usage', 'hour', 'both'),
  memory_gb_effective_usage_per_hour: facts('memory', 'usage', 'hour', 'both'),
  storage_gb_usage_per_month: facts('storage', 'usage', 'month', 'both'),
  storage_gb_request_per_month: facts('storage', 'usage', 'month', 'both'),
  node_core_cost_per_hour: facts('node', 'usage', 'hour', 'both'),
  cluster_core_cost_per_hour: facts('cluster', 'usage', 'hour', 'plain'),
  cluster_cost_per_hour: facts('cluster', 'usage', 'hour', 'plain'),
  cluster_cost_per_month: facts('cluster', 'monthly', 'month', 'plain'),
  node_cost_per_month: facts('node', 'monthly', 'month', 'both'),
  node_core_cost_per_month: facts('node', 'monthly', 'month', 'both'),
  pvc_cost_per_month: facts('pvc', 'monthly', 'month', 'both'),
  vm_cost_per_month: facts('vm', 'monthly', 'month', 'both'),
  vm_core_cost_per_month: facts('vm', 'monthly', 'month', 'both'),
  vm_cost_per_hour: facts('vm', 'vmHourly', 'hour', 'both'),
  vm_core_cost_per_hour: facts('vm', 'vmHourly', 'hour', 'both'),
  project_per_month: facts('project', 'monthly', 'month', 'tagged'),
  gpu_cost_per_month: facts('gpu', 'gpu', 'month', 'tagged'),
} as const satisfies Readonly<Record<string, MetricFacts>>;

export type MetricName = keyof typeof metrics;

/** Every metric, in the order of the table. */
export const metricNames = Object.keys(metrics) as MetricName[];
