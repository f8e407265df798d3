import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Pool } from 'pg';
import type { Argv } from 'yargs';
import { applyModel } from '../../costs/apply-model.ts';
import { assignModel, removeModel, unassignModel } from '../../costs/assignments.ts';
import type { AssignedSource } from '../../costs/assignments.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import type { CostModel } from '../../costs/cost-model.ts';
import { exactJson, exactYaml } from '../../costs/exact-text.ts';
import { listModels, showModel } from '../../costs/stored-models.ts';
import { PipelineError } from '../../domain/failures/failures.ts';
import { writtenLabelKey } from '../../domain/reports/label-key.ts';
import { findSource, listSources, schemaOf } from '../../platform/tenants/sources.ts';
import type { Command, GlobalOptions } from '../command.ts';
import { table } from '../output.ts';
import type { Output } from '../output.ts';
import { openServices } from '../services.ts';

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

const moveOption = {
  type: 'boolean',
  describe: 'take the clusters from the cost models that have them',
} as const;

/** Run `work` with the organisation's database, and close it. */
async function withTenant<T>(
  output: Output,
  org: string,
  work: (pool: Pool, schema: string) => Promise<T>,
): Promise<T> {
  const services = await openServices(output.say, { migrate: 'public' });
  try {
    return await work(services.pool, await schemaOf(services.pool, org));
  } finally {
    await services.close();
  }
}

async function sourcesOf(pool: Pool, org: string, clusters: readonly string[]): Promise<AssignedSource[]> {
  const sources: AssignedSource[] = [];
  for (const cluster of new Set(clusters)) sources.push(await findSource(pool, org, cluster));
  return sources;
}

async function readDocument(file: string): Promise<CostModel> {
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
  return readCostModel(text, extname(file).toLowerCase() === '.json' ? 'json' : 'yaml', file);
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
      .option('move', moveOption),
  run: async ({ org, file, cluster, move }, output) => {
    const model = await readDocument(file);
    sayRemarks(output, model);
    return withTenant(output, org, async (pool, schema) => {
      const sources = await sourcesOf(pool, org, cluster);
      const applied = await applyModel(pool, schema, model, { source: file, sources, move: move === true });
      const clusters = applied.assigned.length === 0 ? '' : `; now of ${applied.assigned.join(', ')}`;
      output.result(`Cost model ${model.name}: ${applied.outcome}${clusters}`, {
        name: model.name,
        ...applied,
      });
      return 0;
    });
  },
};

export const costModelListCommand: Command<Options> = {
  options: (parser): Argv<Options> => withOrg(parser),
  run: ({ org }, output) =>
    withTenant(output, org, async (pool, schema) => {
      const clusterOf = new Map(
        (await listSources(pool, org)).map(({ sourceUuid, clusterId }) => [sourceUuid, clusterId]),
      );
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
    withTenant(output, org, async (pool, schema) => {
      const document = await showModel(pool, schema, name);
      output.text(json ? exactJson(document, 2) : exactYaml(document));
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
