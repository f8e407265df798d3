import type { Argv } from 'yargs';
import { listSources, registerSource } from '../platform/sources.ts';
import type { Command } from './command.ts';
import { table } from './output.ts';
import { openServices } from './services.ts';

interface AddOptions {
  org: string;
  cluster: string;
  name: string;
  uuid: string | undefined;
}

export const sourceAddCommand: Command<AddOptions> = {
  name: 'add',
  summary: 'Register a cluster; again: refresh its name',
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
        { pool: services.pool, databaseUrl: services.databaseUrl, log: { info: () => undefined } },
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
  name: 'list',
  summary: 'Registered clusters',
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
