import { expect, test } from 'vitest';
import { metricNames } from '../../domain/costs/metrics.ts';
import type { Line } from '../../focus/line.ts';
import { serviceOf, skuOf } from '../../focus/skus.ts';

/** A line of a rate, of which only the named columns count here. */
const lineOf = (changes: Partial<Line>) =>
  ({ layer: 'rate', metric: null, cost_column: null, ...changes }) as Line;

// The table of the specification, FOCUS.md §3.1.
test.each(
  `cpu_core_usage_per_hour            | CPU Usage              | Core-Hours     | OpenShift Compute        | Usage-Based
   cpu_core_request_per_hour          | CPU Request            | Core-Hours     | OpenShift Compute        | Usage-Based
   cpu_core_effective_usage_per_hour  | CPU Effective Usage    | Core-Hours     | OpenShift Compute        | Usage-Based
   memory_gb_usage_per_hour           | Memory Usage           | GiB-Hours      | OpenShift Compute        | Usage-Based
   memory_gb_request_per_hour         | Memory Request         | GiB-Hours      | OpenShift Compute        | Usage-Based
   memory_gb_effective_usage_per_hour | Memory Effective Usage | GiB-Hours      | OpenShift Compute        | Usage-Based
   storage_gb_usage_per_month         | Storage Usage          | GiB-Months     | OpenShift Storage        | Usage-Based
   storage_gb_request_per_month       | Storage Request        | GiB-Months     | OpenShift Storage        | Usage-Based
   node_core_cost_per_hour            | Node Core              | Core-Hours     | OpenShift Compute        | Usage-Based
   cluster_core_cost_per_hour         | Cluster Core           | Core-Hours     | OpenShift Compute        | Usage-Based
   cluster_cost_per_hour              | Cluster Share          | Cluster-Hours  | OpenShift Compute        | Usage-Based
   cluster_cost_per_month             | Cluster Share          | Cluster-Months | OpenShift Compute        | Recurring
   node_cost_per_month                | Node Share             | Node-Months    | OpenShift Compute        | Recurring
   node_core_cost_per_month           | Node Core              | Core-Months    | OpenShift Compute        | Recurring
   pvc_cost_per_month                 | Volume Claim           | Claim-Months   | OpenShift Storage        | Recurring
   vm_cost_per_month                  | VM                     | VM-Months      | OpenShift Virtualization | Recurring
   vm_cost_per_hour                   | VM                     | VM-Hours       | OpenShift Virtualization | Usage-Based
   vm_core_cost_per_month             | VM Core                | Core-Months    | OpenShift Virtualization | Recurring
   vm_core_cost_per_hour              | VM Core                | Core-Hours     | OpenShift Virtualization | Usage-Based
   project_per_month                  | Project                | Project-Months | OpenShift Compute        | Recurring
   gpu_cost_per_month                 | GPU                    | GPU-Months     | OpenShift GPU            | Recurring`
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim())),
)('%s is sold as %s by %s', (metric, meter, unit, service, frequency) => {
  expect(metricNames).toContain(metric);
  const line = lineOf({ metric });
  const sku = skuOf(line);
  expect([sku?.meter, sku?.unit, serviceOf(line).name]).toEqual([meter, unit, service]);
  expect(sku?.isRecurring).toBe(frequency === 'Recurring');
});

test('every distribution, and cloud cost by its row, has its service', () => {
  const distributed = [
    'platform_distributed',
    'worker_distributed',
    'unattributed_storage',
    'unattributed_network',
    'gpu_distributed',
  ].map((rate_type) => serviceOf(lineOf({ layer: 'distribution', rate_type })));
  expect(
    distributed.map(({ name, category, subcategory }) => `${name}: ${category}, ${subcategory}`),
  ).toEqual([
    'OpenShift Compute: Compute, Containers',
    'OpenShift Compute: Compute, Containers',
    'OpenShift Storage: Storage, Storage Platforms',
    'OpenShift Network: Networking, Network Connectivity',
    'OpenShift GPU: Compute, Other (Compute)',
  ]);
  const cloud = [
    { data_source: 'Pod', project: 'shop' },
    { data_source: 'Storage', project: 'shop' },
    { data_source: null, project: 'Network unattributed' },
  ].map((changes) => serviceOf(lineOf({ layer: 'cloud', ...changes })).name);
  expect(cloud).toEqual(['OpenShift Compute', 'OpenShift Storage', 'OpenShift Network']);
});
