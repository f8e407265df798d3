import type { Argv } from 'yargs';
import { PipelineError } from '../domain/failures.ts';
import { listTagKeys, setTagKeys } from '../platform/tag-keys.ts';
import type { Command } from './command.ts';
import { table } from './output.ts';
import { openServices } from './services.ts';
import type { Services } from './services.ts';

interface Options {
  org: string;
}

interface KeyOptions extends Options {
  key: string[];
}

/** Schema of a registered organisation. @throws PipelineError when nobody registered it */
export async function schemaOf(services: Services, orgId: string): Promise<string> {
  const { rows } = await services.pool.query<{ schema_name: string }>(
    'select schema_name from public.api_customer where org_id = $1',
    [orgId],
  );
  const schema = rows[0]?.schema_name;
  if (schema === undefined)
    throw new PipelineError(
      'ConfigInvalid',
      `Organisation ${orgId} is not known; register a cluster of it: ocp-pipeline source add --org ${orgId} --cluster ID --name ALIAS`,
    );
  return schema;
}

function keysCommand(enabled: boolean): Command<KeyOptions> {
  const verb = enabled ? 'enable' : 'disable';
  return {
    name: `${verb} <key..>`,
    summary: enabled
      ? 'Let label keys count; days are rebuilt with their next payload'
      : 'Stop label keys from counting',
    options: (parser): Argv<KeyOptions> =>
      parser
        .positional('key', { type: 'string', array: true, demandOption: true, describe: 'label keys' })
        .option('org', {
          type: 'string',
          demandOption: true,
          describe: 'organisation id',
        }),
    run: async (options, output) => {
      const services = await openServices(output.say, { migrate: 'public' });
      try {
        const changed = await setTagKeys(
          services.pool,
          await schemaOf(services, options.org),
          options.key,
          enabled,
        );
        output.result(`${changed} of ${options.key.length} keys ${verb}d, the others were already`, {
          changed,
        });
        return 0;
      } finally {
        await services.close();
      }
    },
  };
}

export const tagsEnableCommand = keysCommand(true);
export const tagsDisableCommand = keysCommand(false);

export const tagsListCommand: Command<Options> = {
  name: 'list',
  summary: 'Label keys and whether they count',
  options: (parser): Argv<Options> =>
    parser.option('org', {
      type: 'string',
      demandOption: true,
      describe: 'organisation id',
    }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const keys = await listTagKeys(services.pool, await schemaOf(services, options.org));
      output.result(
        table(
          ['key', 'enabled'],
          keys.map(({ key, enabled }) => [key, enabled ? 'yes' : 'no']),
          'No label key has been seen yet',
        ),
        keys,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};
