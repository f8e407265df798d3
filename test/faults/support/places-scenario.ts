import { applyModel } from '../../../costs/apply-model.ts';
import { readCostModel } from '../../../costs/cost-model-document.ts';
import { setTagKeys } from '../../../summary/tag-keys.ts';
import { mapTags } from '../../../summary/tag-mapping.ts';
import { packPayload, readPayload, withManifest } from '../../support/archives.ts';
import type { Payload } from '../../support/archives.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { WorkerProcess } from './worker-process.ts';
import { createFaultBed } from './fault-bed.ts';
import type { FaultBed, FaultBedOptions, FaultRun, Target } from './fault-bed.ts';
import { installGates, isCommitted } from './gates.ts';
import type { Gate } from './gates.ts';
import { startPayloadServer } from './payload-server.ts';
import type { PayloadServer } from './payload-server.ts';
import { places } from './places.ts';
import type { Place } from './places.ts';

/** A bed with gates, a worker, and a cluster whose payload went through without a fault. */
export interface PlacesScenario {
  bed: FaultBed;
  payload: Payload;
  worker: WorkerProcess;
  clean: Target;
  /** start a run per place and wait until each stands inside its own */
  occupy(prefix: string, which?: readonly Place[]): Promise<Occupied[]>;
}

/** A run that is held at a place. */
export interface Occupied {
  place: Place;
  run: FaultRun;
  gate: Gate;
}

/** A payload with all kinds of reports, one day of 24 hours, 2,500 rows; some of its labels are enabled and mapped. */
export async function createPlacesScenario(
  options: FaultBedOptions & { workerEnvironment?: Record<string, string> } = {},
): Promise<PlacesScenario> {
  const bed = withPrices(await createFaultBed(options));
  const { database } = bed;
  await setTagKeys(database.pool, database.schema, ['application', 'app', 'environment', 'stage'], true);
  await mapTags(database.pool, database.schema, 'application', ['app']);
  const close = await installGates(database);
  const payload = await readPayload('nise-full_day1');
  const worker = await bed.startWorker(options.workerEnvironment);
  const clean = await bed.addCluster('clean');
  await (await bed.start(clean, payload)).handle.result();
  return {
    bed,
    payload,
    worker,
    clean,
    occupy: async (prefix, which = places) => {
      const occupied: Occupied[] = [];
      for (const place of which) {
        const target = await bed.addCluster(`${prefix}-${place.name.replaceAll(' ', '-')}`);
        const gate = await close(place, target);
        occupied.push({ place, gate, run: await bed.start(target, payload) });
      }
      for (const { place, gate, run } of occupied)
        await waitUntil(async () => (await gate.waitingBackend()) !== undefined).catch((cause: unknown) => {
          throw new Error(`${run.clusterId} did not come to ${place.name}`, { cause });
        });
      return occupied;
    },
  };
}

/** A bed whose clusters all have one cost model. */
function withPrices(bed: FaultBed): FaultBed {
  return {
    ...bed,
    addCluster: async (clusterId) => {
      const target = await bed.addCluster(clusterId);
      await priceCluster(bed, target);
      return target;
    },
  };
}

/** Rates by the hour and the month, and what is distributed. */
async function priceCluster({ database }: FaultBed, target: Target): Promise<void> {
  const tier = (name: string, value: number) => ({
    metric: { name },
    cost_type: 'Supplementary',
    tiered_rates: [{ value }],
  });
  const document = {
    name: 'prices',
    source_type: 'OCP',
    currency: 'USD',
    rates: [
      tier('cpu_core_usage_per_hour', 0.01),
      tier('storage_gb_usage_per_month', 0.1),
      tier('node_cost_per_month', 100),
      tier('cluster_cost_per_month', 1_000),
    ],
  };
  await applyModel(
    database.pool,
    database.schema,
    readCostModel(JSON.stringify(document), 'json', 'prices'),
    { source: 'prices', sources: [target], move: false },
  );
}

/** Places whose activity's work is committed. */
export async function committedPlaces(bed: FaultBed, occupied: readonly Occupied[]): Promise<string[]> {
  const names: string[] = [];
  for (const { place, run } of occupied)
    if (await isCommitted(bed.database, place, run)) names.push(place.name);
  return names;
}

/** A run whose payload stops coming in the middle of its download. */
export async function startFetching(
  { bed, payload }: PlacesScenario,
  prefix: string,
): Promise<{ run: FaultRun; server: PayloadServer }> {
  const target = await bed.addCluster(`${prefix}-fetching`);
  const archive = await packPayload(withManifest(payload, { cluster_id: target.clusterId }));
  const server = await startPayloadServer(archive);
  const run = await bed.start(target, payload, { address: server.address });
  await waitUntil(() => server.requestCount() === 1);
  return { run, server };
}
