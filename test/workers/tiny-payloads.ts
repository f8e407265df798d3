import { usageDay } from '../../domain/time/usage-day.ts';
import type { ReportRows } from '../support/payload-builder.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { PayloadOptions } from '../support/payload-builder.ts';
import type { Payload } from '../support/archives.ts';

const gib = 2 ** 30;

/** One pod on one node over the given hours of a day; the numbers tell one `seed` from another. */
export function onePod(day: string, hours: readonly number[], seed: number): ReportRows {
  usageDay(day);
  return {
    pod_usage: hours.map((hour) => ({
      hour: `${day} ${String(hour).padStart(2, '0')}:00`,
      node: `node-${seed % 3}`,
      namespace: `project-${seed % 5}`,
      pod: `pod-${seed}`,
      pod_usage_cpu_core_seconds: 100 + seed,
      pod_request_cpu_core_seconds: 200 + seed,
      pod_usage_memory_byte_seconds: (1 + seed) * gib,
      pod_request_memory_byte_seconds: (2 + seed) * gib,
      node_capacity_cpu_cores: 4,
      node_capacity_cpu_core_seconds: 4 * 3_600,
      node_capacity_memory_bytes: 16 * gib,
      node_capacity_memory_byte_seconds: 16 * gib * 3_600,
      pod_labels: `label_app:app-${seed % 4}`,
    })),
  };
}

/** A payload of one line item: all that there is to do is the steps themselves. */
export function tinyPayload(clusterId: string, day: string, seed = 0, options: PayloadOptions = {}): Payload {
  return buildPayload(onePod(day, [0], seed), { clusterId, ...options });
}
