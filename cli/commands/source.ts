import type { Argv } from 'yargs';
import { usageDay } from '../../domain/time/usage-day.ts';
import { adoptDays, findSource, listSources, registerSource } from '../../platform/tenants/sources.ts';
import type { Command } from '../command.ts';
import { table } from '../output.ts';
import { migrationLog, openServices } from '../services.ts';

interface AddOptions {
  org: string;
  cluster: string;
  name: string;
  uuid: string | undefined;
}

export const sourceAddCommand: Command<AddOptions> = {
  options: (parser): Argv<AddOptions> =>
    parser
      .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
      .option('cluster', { type: 'string', demandOption: true, describe: 'cluster id, as in manifest.json' })
      .option('name', { type: 'string', demandOption: true, describe: 'cluster alias shown in reports' })
      .option('uuid', {
        type: 'string',
        describe: 'provider uuid (default: a new one)',
      }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const source = await registerSource(
        { pool: services.pool, databaseUrl: services.databaseUrl, log: migrationLog(output.say) },
        {
          orgId: options.org,
          clusterId: options.cluster,
          name: options.name,
          ...(options.uuid === undefined ? {} : { sourceUuid: options.uuid }),
        },
      );
      output.result(
        `${source.created ? 'Registered' : 'Known already'}: cluster ${source.clusterId} "${source.name}", ` +
          `source ${source.sourceUuid}, schema ${source.schema}`,
        source,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

interface ListOptions {
  org: string | undefined;
}

export const sourceListCommand: Command<ListOptions> = {
  options: (parser): Argv<ListOptions> =>
    parser.option('org', {
      type: 'string',
      describe: 'only this organisation',
    }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const sources = await listSources(services.pool, options.org);
      output.result(
        table(
          ['org', 'cluster', 'name', 'source', 'schema'],
          sources.map((source) => [
            source.orgId,
            source.clusterId,
            source.name,
            source.sourceUuid,
            source.schema,
          ]),
          'No cluster is registered. Add one: ocp-pipeline source add --org ID --cluster ID --name ALIAS',
        ),
        sources,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

interface AdoptOptions {
  org: string;
  cluster: string;
  from: string;
}

export const sourceAdoptCommand: Command<AdoptOptions> = {
  options: (parser): Argv<AdoptOptions> =>
    parser
      .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
      .option('cluster', { type: 'string', demandOption: true, describe: 'cluster id' })
      .option('from', { type: 'string', demandOption: true, describe: 'first day, YYYY-MM-DD' }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const source = await findSource(services.pool, options.org, options.cluster);
      const fromDay = await adoptDays(services.pool, source, usageDay(options.from));
      output.result(
        `Cluster ${source.clusterId}: days from ${fromDay} on are ours; replay the payloads that were refused`,
        { ...source, fromDay },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};
