import { failuresInParallel } from '../../domain/run/in-parallel.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { benchMonth, benchNow } from '../payload/shapes.ts';
import { peakRssBytes } from '../process-figures.ts';
import { memoryVerdict } from '../targets.ts';
import { inMegabytes, inSeconds, wholeNumber } from './scenario.ts';
import type { MeasuredScenario } from './scenario.ts';
import { withFleet } from './fleet.ts';

/** A size of customer: its clusters, their nodes together, and how many customers are of this size. */
interface Customer {
  clusters: number;
  nodes: number;
  share: string;
}

/** The customers of the on-premises product, by its maintainers' count. */
const customers: readonly Customer[] = [
  { clusters: 1, nodes: 15, share: '37 %' },
  { clusters: 2, nodes: 49, share: '35 %' },
  { clusters: 7, nodes: 133, share: '21 %' },
  { clusters: 23, nodes: 346, share: '6 %' },
  { clusters: 33, nodes: 1_072, share: 'below 1 %' },
];

/** As in the shapes from small to large. */
const podsPerNode = 10;

/** What a customer's day took. */
interface CustomerFigures extends Customer {
  rowCount: number;
  /** from the first start to the last close */
  totalMs: number;
  /** of the last cluster to end */
  longestRunMs: number;
  peakRssBytes: number;
}

/** All clusters of a customer send a day at once, to one worker; each size of customer once. */
export async function measureCustomers(bench: Bench): Promise<MeasuredScenario> {
  const figures: CustomerFigures[] = [];
  for (const customer of customers) figures.push(await measureCustomer(bench, customer));
  return {
    title: `All clusters of a customer send a day at once (${podsPerNode} pods per node), to one worker:`,
    head: ['clusters', 'nodes', 'customers', 'rows', 'total s', 'longest run s', 'rows/s', 'peak RSS MB'],
    rows: figures.map(({ clusters, nodes, share, rowCount, totalMs, longestRunMs, peakRssBytes: peak }) => [
      String(clusters),
      wholeNumber(nodes),
      share,
      wholeNumber(rowCount),
      inSeconds(totalMs),
      inSeconds(longestRunMs),
      wholeNumber(rowCount / (totalMs / 1_000)),
      inMegabytes(peak),
    ]),
    verdicts: figures.map(({ clusters, peakRssBytes: peak }) =>
      memoryVerdict(peak, `, ${clusters} clusters`),
    ),
    figures,
  };
}

async function measureCustomer(bench: Bench, customer: Customer): Promise<CustomerFigures> {
  const payloads = await payloadsOf(bench, customer);
  const title = `customers: ${customer.clusters} clusters with ${customer.nodes} nodes`;
  bench.signal.throwIfAborted();
  bench.progress.step(title);
  const clusterIds = payloads.map(({ clusterId }) => clusterId);
  return withFleet(bench, { now: benchNow, clusterIds, months: [benchMonth] }, async (fleet) => {
    const runs: number[] = [];
    const startedAt = performance.now();
    const errors = await failuresInParallel(payloads, payloads.length, async (payload) => {
      runs.push(await fleet.ingest(payload));
    });
    const totalMs = performance.now() - startedAt;
    if (errors.length > 0) throw errors[0];
    return {
      ...customer,
      rowCount: payloads.reduce((sum, { rowCount }) => sum + rowCount, 0),
      totalMs,
      longestRunMs: Math.max(...runs),
      peakRssBytes: (await peakRssBytes(fleet.workerPid)) ?? NaN,
    };
  });
}

/** A payload for each cluster; the nodes are spread evenly. */
async function payloadsOf(bench: Bench, { clusters, nodes }: Customer): Promise<CachedPayload[]> {
  const payloads: CachedPayload[] = [];
  for (let cluster = 0; cluster < clusters; cluster += 1) {
    const nodeCount =
      Math.floor((nodes * (cluster + 1)) / clusters) - Math.floor((nodes * cluster) / clusters);
    payloads.push(
      await cachedPayload(
        bench.payloadDirectory,
        {
          shape: { nodeCount, podCount: nodeCount * podsPerNode, dayCount: 1 },
          seed: bench.seed * 1_000 + cluster,
        },
        () => {
          bench.progress.step(`customers: generating the payload of cluster ${cluster + 1} of ${clusters}`);
        },
      ),
    );
  }
  return payloads;
}
