import type { MetricName } from '../domain/costs/metrics.ts';
import { inventedNamespaces } from '../domain/reports/invented-namespaces.ts';
import type { Line } from './line.ts';

/** A service of the export; its name has exactly one category and subcategory. */
export interface Service {
  name: string;
  category: string;
  subcategory: string;
}

const compute: Service = { name: 'OpenShift Compute', category: 'Compute', subcategory: 'Containers' };
const storage: Service = {
  name: 'OpenShift Storage',
  category: 'Storage',
  subcategory: 'Storage Platforms',
};
const virtualization: Service = {
  name: 'OpenShift Virtualization',
  category: 'Compute',
  subcategory: 'Virtual Machines',
};
const gpu: Service = { name: 'OpenShift GPU', category: 'Compute', subcategory: 'Other (Compute)' };
const network: Service = {
  name: 'OpenShift Network',
  category: 'Networking',
  subcategory: 'Network Connectivity',
};

/** What a metric is sold as. */
interface Sku {
  meter: string;
  unit: string;
  service: Service;
  /** a price for an object by the month, of which each day pays its share */
  isRecurring: boolean;
}

const sku = (meter: string, unit: string, service: Service, isRecurring = false): Sku => ({
  meter,
  unit,
  service,
  isRecurring,
});

/** Every metric that has a price, as the export names it. */
const skus: Readonly<Record<MetricName, Sku>> = {
  cpu_core_usage_per_hour: sku('CPU Usage', 'Core-Hours', compute),
  cpu_core_request_per_hour: sku('CPU Request', 'Core-Hours', compute),
  cpu_core_effective_usage_per_hour: sku('CPU Effective Usage', 'Core-Hours', compute),
  memory_gb_usage_per_hour: sku('Memory Usage', 'GiB-Hours', compute),
  memory_gb_request_per_hour: sku('Memory Request', 'GiB-Hours', compute),
  memory_gb_effective_usage_per_hour: sku('Memory Effective Usage', 'GiB-Hours', compute),
  storage_gb_usage_per_month: sku('Storage Usage', 'GiB-Months', storage),
  storage_gb_request_per_month: sku('Storage Request', 'GiB-Months', storage),
  node_core_cost_per_hour: sku('Node Core', 'Core-Hours', compute),
  cluster_core_cost_per_hour: sku('Cluster Core', 'Core-Hours', compute),
  cluster_cost_per_hour: sku('Cluster Share', 'Cluster-Hours', compute),
  cluster_cost_per_month: sku('Cluster Share', 'Cluster-Months', compute, true),
  node_cost_per_month: sku('Node Share', 'Node-Months', compute, true),
  node_core_cost_per_month: sku('Node Core', 'Core-Months', compute, true),
  pvc_cost_per_month: sku('Volume Claim', 'Claim-Months', storage, true),
  vm_cost_per_month: sku('VM', 'VM-Months', virtualization, true),
  vm_core_cost_per_month: sku('VM Core', 'Core-Months', virtualization, true),
  vm_cost_per_hour: sku('VM', 'VM-Hours', virtualization),
  vm_core_cost_per_hour: sku('VM Core', 'Core-Hours', virtualization),
  project_per_month: sku('Project', 'Project-Months', compute, true),
  gpu_cost_per_month: sku('GPU', 'GPU-Months', gpu, true),
};

const passThrough = sku('Cloud Cost', 'Units', compute);

/** What the line is priced as; undefined for lines without a price. */
export function skuOf(line: Line): Sku | undefined {
  if (line.layer === 'cloud') return { ...passThrough, service: serviceOf(line) };
  return line.metric === null ? undefined : skus[line.metric as MetricName];
}

const distributed: Readonly<Record<string, Service>> = {
  platform_distributed: compute,
  worker_distributed: compute,
  unattributed_storage: storage,
  unattributed_network: network,
  gpu_distributed: gpu,
};

/** The service that the cost of a line belongs to. */
export function serviceOf(line: Line): Service {
  if (line.layer === 'rate' && line.metric !== null) return skus[line.metric as MetricName].service;
  if (line.layer === 'distribution') return distributed[line.rate_type ?? ''] ?? compute;
  if (line.cost_column === 'gpu') return gpu;
  if (line.cost_column === 'volume' || line.data_source === 'Storage') return storage;
  return line.project === inventedNamespaces.networkUnattributed ? network : compute;
}
