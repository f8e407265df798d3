import type { Argv } from 'yargs';
import { writtenLabelKey } from '../../domain/reports/label-key.ts';
import { listTagKeys, setTagKeys } from '../../summary/tag-keys.ts';
import { listTagMappings, mapTags, unmapTags } from '../../summary/tag-mapping.ts';
import type { Command } from '../command.ts';
import { table } from '../output.ts';
import type { Output } from '../output.ts';
import { schemaOf } from '../../platform/tenants/sources.ts';
import { openServices } from '../services.ts';

interface Options {
  org: string;
}

interface KeyOptions extends Options {
  key: string[];
}

/** A key spelled as in a Kubernetes manifest matches nothing: show how reports write it. */
function sayHowReportsWrite(output: Output, keys: readonly string[]): void {
  for (const key of keys) {
    const written = writtenLabelKey(key);
    if (written !== key && written !== '')
      output.say(`${key}: reports write this label ${written}; name it so, or it matches nothing`);
  }
}

function keysCommand(enabled: boolean): Command<KeyOptions> {
  const verb = enabled ? 'enable' : 'disable';
  return {
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
          await schemaOf(services.pool, options.org),
          options.key,
          enabled,
        );
        sayHowReportsWrite(output, options.key);
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
  options: (parser): Argv<Options> =>
    parser.option('org', {
      type: 'string',
      demandOption: true,
      describe: 'organisation id',
    }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const schema = await schemaOf(services.pool, options.org);
      const keys = await listTagKeys(services.pool, schema);
      const mappings = await listTagMappings(services.pool, schema);
      const parentOf = new Map(
        mappings.flatMap(({ parent, children }) => children.map((child) => [child, parent])),
      );
      output.result(
        table(
          ['key', 'enabled', 'counts as'],
          keys.map(({ key, enabled }) => [key, enabled ? 'yes' : 'no', parentOf.get(key) ?? '']),
          'No label key has been seen yet',
        ),
        { keys, mappings },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

interface MapOptions extends Options {
  parent: string;
  child: string[];
}

export const tagsMapCommand: Command<MapOptions> = {
  options: (parser): Argv<MapOptions> =>
    parser
      .positional('parent', {
        type: 'string',
        demandOption: true,
        describe: 'enabled key that receives the values',
      })
      .positional('child', { type: 'string', array: true, demandOption: true, describe: 'enabled keys' })
      .option('org', {
        type: 'string',
        demandOption: true,
        describe: 'organisation id',
      }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const schema = await schemaOf(services.pool, options.org);
      sayHowReportsWrite(output, [options.parent, ...options.child]);
      const changed = await mapTags(services.pool, schema, options.parent, options.child);
      output.result(
        `${changed} of ${options.child.length} keys mapped to ${options.parent}, the others were already`,
        { changed },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

export const tagsUnmapCommand: Command<Omit<MapOptions, 'parent'>> = {
  options: (parser): Argv<Omit<MapOptions, 'parent'>> =>
    parser
      .positional('child', { type: 'string', array: true, demandOption: true, describe: 'mapped keys' })
      .option('org', { type: 'string', demandOption: true, describe: 'organisation id' }),
  run: async (options, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      sayHowReportsWrite(output, options.child);
      const changed = await unmapTags(
        services.pool,
        await schemaOf(services.pool, options.org),
        options.child,
      );
      output.result(`${changed} of ${options.child.length} keys unmapped, the others were not mapped`, {
        changed,
      });
      return 0;
    } finally {
      await services.close();
    }
  },
};
