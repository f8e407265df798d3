import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { applyCostModel } from '../../activities/apply-cost-model.ts';
import type { ApplyCostModelResult } from '../../activities/apply-cost-model.ts';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import type { MonthInput } from '../../summary/month-step.ts';
import { plain } from '../costs/priced-source.ts';
import { addCostRow } from '../summary/cost-row.ts';
import { podHours } from '../summary/vm-fixture.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { sampleNow } from './served.ts';

/** Ids of clusters of one organisation, all of one alias; each has two hours of one day. */
export interface SmallClusters {
  orgId: string;
  /** no cost model */
  unpriced: string;
  /** a cost model all rates of which are 0 */
  free: string;
  /** prices in EUR, for which no exchange rate is known, and nothing distributed */
  euro: string;
  /**
   * a bill of a cloud in EUR, and pods that request more than their node has: 20 of 16 cores, a dollar per core-hour
   */
  cloud: string;
  /** a day in September alone */
  ended: string;
}

/** The day that has data. */
export const day = '2026-10-01';
/** A rate per core-hour of effective usage. */
export const hourly = (value: number) => [plain('cpu_core_effective_usage_per_hour', value)];

/**
 * Two clusters of an organisation beside that of the test's pipeline. The steps of a run are called without Temporal.
 */
export async function addSmallClusters(main: TestDatabase): Promise<SmallClusters> {
  const database = { ...main, orgId: 'small', schema: 'orgsmall' };
  const cluster = async (
    usageDay: string,
    model: object | undefined,
    { namespace = 'shop', cores = 2, bill = false } = {},
  ): Promise<string> => {
    const source = await createStagedSource(database, usageDay.slice(0, 7));
    await source.stage('pod_usage', usageDay, podHours({}, { namespace, cores }));
    await source.summarise('koku', usageDay);
    if (bill)
      await addCostRow(source, usageDay, {
        data_source: 'Pod',
        namespace,
        node: 'w1',
        infrastructure_raw_cost: 10,
        infrastructure_project_raw_cost: 10,
        raw_currency: 'EUR',
      });
    if (model !== undefined) await price(source, model);
    await writeReports(source, usageDay.slice(0, 7));
    return source.clusterId;
  };
  return {
    orgId: database.orgId,
    unpriced: await cluster(day, undefined),
    free: await cluster(day, { rates: hourly(0) }),
    euro: await cluster(day, { rates: hourly(1), currency: 'EUR' }),
    cloud: await cluster(day, { rates: hourly(1) }, { cores: 20, bill: true }),
    ended: await cluster('2026-09-02', { rates: hourly(1) }, { namespace: 'ended' }),
  };
}

/** Give a source a cost model of its own. */
export async function price({ database, sourceUuid, clusterId }: StagedSource, model: object): Promise<void> {
  const document = {
    name: `model of ${clusterId}`,
    source_type: 'OCP',
    currency: 'USD',
    distribution_info: { platform_cost: false, worker_cost: false },
    ...model,
  };
  await applyModel(database.pool, database.schema, readCostModel(JSON.stringify(document), 'json', 'test'), {
    source: 'test',
    sources: [{ sourceUuid, clusterId }],
    move: false,
  });
}

/** Costs, and the tables that reports are read from. */
export async function writeReports({ database, sourceUuid }: StagedSource, month: string): Promise<void> {
  const config = loadConfig({ OCP_NOW: sampleNow, OCP_RULES: 'koku' });
  const objectStore = openObjectStore({ url: 'file:///nothing-is-read', s3: { endpoint: undefined } });
  const deps = { pool: database.pool, databaseUrl: database.url, objectStore, config, now: clock(config) };
  const input = { schema: database.schema, sourceUuid, month: billingMonth(month) };
  const silent = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
  const run = (given: MonthInput) => applyCostModel(deps, given);
  const { outcome } = await silent.run<[MonthInput], ApplyCostModelResult, typeof run>(run, input);
  if (outcome !== 'done') throw new Error(`expected costs of ${month} to be computed, found ${outcome}`);
}
