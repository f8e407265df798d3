import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Pool } from 'pg';
import type { Argv } from 'yargs';
import { applyModel } from '../../costs/apply-model.ts';
import type { Applied } from '../../costs/apply-model.ts';
import { assignModel, removeModel, unassignModel } from '../../costs/assignments.ts';
import type { AssignedSource } from '../../costs/assignments.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import type { CostModel } from '../../costs/cost-model.ts';
import { listCostMonths } from '../../costs/cost-months.ts';
import { organisationCurrency } from '../../costs/default-currency.ts';
import { tryModel } from '../../costs/dry-run.ts';
import { exactJson, exactYaml } from '../../costs/exact-text.ts';
import { listModels, showModel } from '../../costs/stored-models.ts';
import { PipelineError } from '../../domain/failures/failures.ts';
import { billingMonth, billingMonthOf, usageDayOf } from '../../domain/time/usage-day.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import { clock } from '../../platform/config/config.ts';
import { writtenLabelKey } from '../../domain/reports/label-key.ts';
import { findSource, listSources, schemaOf } from '../../platform/tenants/sources.ts';
import type { Command, GlobalOptions } from '../command.ts';
import { basisLines, dryRunText, midMonthRemarks, recalculateFrom } from '../cost-model-changes.ts';
import { blockedText } from '../month-run.ts';
import { table } from '../output.ts';
import type { Output } from '../output.ts';
import { withOwnWorker } from '../own-worker.ts';
import { openServices } from '../services.ts';
import type { Services } from '../services.ts';
import { stopSignal } from '../stop-signal.ts';

interface Options {
  org: string;
}

interface NameOptions extends Options {
  name: string;
}

interface ApplyOptions extends Options {
  file: string;
  cluster: string[];
  move: boolean | undefined;
  dryRun: boolean | undefined;
  fromMonth: string | undefined;
  withWorker: boolean | undefined;
}

interface AssignOptions extends NameOptions {
  cluster: string[];
  move: boolean | undefined;
  remove: boolean | undefined;
}

const withOrg = (parser: Argv<GlobalOptions>): Argv<GlobalOptions & Options> =>
  parser.option('org', { type: 'string', demandOption: true, describe: 'organisation id' });

const withName = (parser: Argv<GlobalOptions>): Argv<GlobalOptions & NameOptions> =>
  withOrg(parser).positional('name', {
    type: 'string',
    demandOption: true,
    describe: 'name of the cost model',
  });

/** Most clusters and months of which `show` says what their costs are based on. */
const maxMonthsShown = 1_000;

const moveOption = {
  type: 'boolean',
  describe: 'take the clusters from the cost models that have them',
} as const;

/** Run `work` with the organisation's database, and close it. */
async function withTenant<T>(
  output: Output,
  org: string,
  work: (pool: Pool, schema: string, services: Services) => Promise<T>,
): Promise<T> {
  const services = await openServices(output.say, { migrate: 'public' });
  try {
    return await work(services.pool, await schemaOf(services.pool, org), services);
  } finally {
    await services.close();
  }
}

async function sourcesOf(pool: Pool, org: string, clusters: readonly string[]): Promise<AssignedSource[]> {
  const sources: AssignedSource[] = [];
  for (const cluster of new Set(clusters)) sources.push(await findSource(pool, org, cluster));
  return sources;
}

/** Read the document, and remark on what may not be meant. */
async function readDocument(file: string, output: Output, currency: string): Promise<CostModel> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === 'ENOENT' ? 'no such file' : `cannot be read (${String(code)})`;
    throw new PipelineError(
      'ConfigInvalid',
      `${file}: ${problem}; give the path of a cost model, JSON or YAML`,
      {
        cause: error,
      },
    );
  });
  const format = extname(file).toLowerCase() === '.json' ? 'json' : 'yaml';
  const model = readCostModel(text, format, file, currency);
  sayRemarks(output, model);
  return model;
}

/** What is allowed, and yet may not be what was meant. */
function sayRemarks(output: Output, { price_lists }: CostModel): void {
  for (const { metric, custom_name, tiered_rates, tag_rates } of price_lists.flatMap((list) => list.rates)) {
    if (tiered_rates !== undefined && tiered_rates.length > 1)
      output.say(`${custom_name}: of ${tiered_rates.length} tiers only the first applies`);
    const key = tag_rates?.tag_key ?? '';
    const written = writtenLabelKey(key);
    // GPUs are priced by their vendor, which is no label.
    if (metric.name !== 'gpu_cost_per_month' && written !== key && written !== '')
      output.say(
        `${custom_name}: reports write label ${key} as ${written}; name it so, or the rate matches nothing`,
      );
  }
}

export const costModelApplyCommand: Command<ApplyOptions> = {
  options: (parser): Argv<ApplyOptions> =>
    withOrg(parser)
      .positional('file', { type: 'string', demandOption: true, describe: 'document: .json, or YAML' })
      .option('cluster', {
        type: 'string',
        array: true,
        default: [],
        describe: 'clusters that get the model; those that have it keep it',
      })
      .option('move', moveOption)
      .option('dry-run', {
        type: 'boolean',
        describe: 'only print the change of cost by project and rate, of the current month so far',
      })
      .option('from-month', {
        type: 'string',
        describe: 'recalculate costs of this month (YYYY-MM) and all later ones at once, and wait for it',
      })
      .option('with-worker', { type: 'boolean', describe: 'run a worker in this process, for --from-month' })
      .conflicts('dry-run', 'from-month') as unknown as Argv<ApplyOptions>,
  run: async (options, output) => {
    const { org, file, cluster, move, dryRun, fromMonth } = options;
    const from = fromMonth === undefined ? undefined : billingMonth(fromMonth);
    const how = { source: file, move: move === true };
    if (from !== undefined) return applyFrom(options, { how, from }, output);
    return withTenant(output, org, async (pool, schema, { config }) => {
      const model = await readDocument(file, output, await organisationCurrency(pool, schema));
      const month = billingMonthOf(clock(config)());
      for (const remark of midMonthRemarks(model, month)) output.say(remark);
      const sources = await sourcesOf(pool, org, cluster);
      if (dryRun === true) {
        const tried = await tryModel(pool, schema, model, { ...how, sources, month });
        output.result(dryRunText(tried, model, await clusterNames(pool, org)), tried);
        return 0;
      }
      const applied = await applyModel(pool, schema, model, { ...how, sources });
      output.result(appliedText(model, applied), { name: model.name, ...applied });
      return 0;
    });
  },
};

function appliedText({ name }: CostModel, { outcome, assigned }: Applied): string {
  return `Cost model ${name}: ${outcome}${assigned.length === 0 ? '' : `; now of ${assigned.join(', ')}`}`;
}

/** Apply a document, and recalculate earlier months too, which the watch of settings leaves alone. */
async function applyFrom(
  { org, cluster, withWorker }: ApplyOptions,
  { how, from }: { how: { source: string; move: boolean }; from: BillingMonth },
  output: Output,
): Promise<number> {
  const stop = stopSignal();
  return withOwnWorker(output, { migrate: 'all', withWorker }, async (services, startWorker) => {
    const { pool } = services;
    const schema = await schemaOf(pool, org);
    const model = await readDocument(how.source, output, await organisationCurrency(pool, schema));
    for (const remark of midMonthRemarks(model, billingMonthOf(clock(services.config)()))) output.say(remark);
    const sources = await sourcesOf(pool, org, cluster);
    const applied = await applyModel(pool, schema, model, { ...how, sources });
    output.say(appliedText(model, applied));
    await startWorker();
    const { modelUuid } = applied;
    const tenant = { orgId: org, schema, modelUuid };
    const done = await recalculateFrom(services, tenant, from, { output, stop });
    const { recalculated, blocked } = done;
    const clusterOf = await clusterNames(pool, org);
    const months = table(
      ['cluster', 'month', 'days', 'cost rows'],
      recalculated.map(({ sourceUuid, month, daysPriced, costRowCount }) => [
        clusterOf.get(sourceUuid) ?? sourceUuid,
        month,
        daysPriced,
        costRowCount,
      ]),
      blocked === undefined
        ? `No cluster of the model has days from ${from} on`
        : 'No month was recalculated',
    );
    output.result(blocked === undefined ? months : `${months}\n${blockedText(blocked)}`, {
      name: model.name,
      ...applied,
      ...done,
    });
    return blocked === undefined ? 0 : 1;
  });
}

async function clusterNames(pool: Pool, org: string): Promise<Map<string, string>> {
  return new Map((await listSources(pool, org)).map(({ sourceUuid, clusterId }) => [sourceUuid, clusterId]));
}

export const costModelListCommand: Command<Options> = {
  options: (parser): Argv<Options> => withOrg(parser),
  run: ({ org }, output) =>
    withTenant(output, org, async (pool, schema) => {
      const clusterOf = await clusterNames(pool, org);
      const models = (await listModels(pool, schema)).map(({ sourceUuids, ...model }) => ({
        ...model,
        clusters: sourceUuids.map((uuid) => clusterOf.get(uuid) ?? uuid).sort(),
      }));
      output.result(
        table(
          ['cost model', 'currency', 'price lists', 'rates', 'clusters', 'changed'],
          models.map((model) => [
            model.name,
            model.currency,
            model.priceListCount,
            model.rateCount,
            model.clusters.join(', '),
            model.updatedAt.toISOString().slice(0, 16),
          ]),
          'No cost model',
        ),
        models,
      );
      return 0;
    }),
};

export const costModelShowCommand: Command<NameOptions> = {
  options: (parser): Argv<NameOptions> => withName(parser),
  run: ({ org, name, json }, output) =>
    withTenant(output, org, async (pool, schema, { config }) => {
      const document = await showModel(pool, schema, name);
      output.text(json ? exactJson(document, 2) : exactYaml(document));
      const today = usageDayOf(clock(config)());
      const months = await listCostMonths(pool, schema, { today, limit: maxMonthsShown });
      const ofModel = months.filter(({ modelName, models }) => modelName === name || models.includes(name));
      for (const line of basisLines(ofModel, org)) output.say(line);
      return 0;
    }),
};

export const costModelAssignCommand: Command<AssignOptions> = {
  options: (parser): Argv<AssignOptions> =>
    withName(parser)
      .option('cluster', { type: 'string', array: true, demandOption: true, describe: 'cluster ids' })
      .option('move', moveOption)
      .option('remove', { type: 'boolean', describe: 'take the model from the clusters' })
      .conflicts('remove', 'move'),
  run: ({ org, name, cluster, move, remove }, output) =>
    withTenant(output, org, async (pool, schema) => {
      const sources = await sourcesOf(pool, org, cluster);
      if (remove === true) {
        const removed = await unassignModel(pool, schema, name, sources);
        output.result(
          `Cost model ${name}: taken from ${removed} of ${sources.length} clusters, the others had it not`,
          {
            removed,
          },
        );
        return 0;
      }
      const { assigned } = await assignModel(pool, schema, name, { sources, move: move === true });
      output.result(
        `Cost model ${name}: given to ${assigned.length} of ${sources.length} clusters, the others had it already`,
        { assigned },
      );
      return 0;
    }),
};

export const costModelRemoveCommand: Command<NameOptions> = {
  options: (parser): Argv<NameOptions> => withName(parser),
  run: ({ org, name }, output) =>
    withTenant(output, org, async (pool, schema) => {
      const clusterCount = await removeModel(pool, schema, name);
      output.result(`Cost model ${name}: removed; clusters that had it and have none now: ${clusterCount}`, {
        clusterCount,
      });
      return 0;
    }),
};
