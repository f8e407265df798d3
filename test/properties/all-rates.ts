import { metricNames, metrics } from '../../domain/costs/metrics.ts';
import type { MetricFacts } from '../../domain/costs/metrics.ts';
import { byLabel, plain } from '../costs/priced-source.ts';

/** Every metric at 31, by month 1 a day, plain and by the label app, of GPUs by vendor and model, where it can be. */
const rates = metricNames.flatMap((name) => {
  const facts: MetricFacts = metrics[name];
  const tagged =
    name === 'gpu_cost_per_month'
      ? byLabel(name, 'nvidia', { T4: 31, 'A100*': 62 }, 'Supplementary')
      : byLabel(name, 'app', { a: 31, 'b*': 62 }, 'Supplementary');
  return [...(facts.plain ? [plain(name, 31)] : []), ...(facts.tagged ? [tagged] : [])];
});

/** The document of a model with all of them, of which everything is distributed. */
export function modelOf(name: string, distribution_type = 'cpu'): object {
  return {
    name,
    source_type: 'OCP',
    currency: 'USD',
    distribution_info: { distribution_type, gpu_unallocated: true },
    markup: { value: 10, unit: 'percent' },
    rates: rates.map((rate, index) => ({ ...rate, custom_name: `rate ${String(index)}` })),
  };
}
