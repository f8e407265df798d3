import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { configuredTemporal } from '../../platform/temporal/connection.ts';
import { setTenantSettings, tenantSettings } from '../../platform/tenants/tenant.ts';
import { engineOfTenant } from '../../engines/engine-of-month.ts';
import { requireTrino } from '../require-trino.ts';
import type { Command } from '../command.ts';
import { table } from '../output.ts';
import { schemaOf } from '../../platform/tenants/sources.ts';
import { openServices } from '../services.ts';

interface ShowOptions {
  org: string;
}

interface SetOptions extends ShowOptions {
  setting: string[];
}

export const tenantSetCommand: Command<SetOptions> = {
  options: (parser): Argv<SetOptions> =>
    parser
      .positional('org', { type: 'string', demandOption: true, describe: 'organisation id' })
      .positional('setting', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'KEY=VALUE',
      }),
  run: async (options, output) => {
    const givesToTrino = options.setting.some((setting) =>
      ['engine=trino', 'shadow=trino'].includes(setting),
    );
    // Temporal knows whether there are workers for it, if this process cannot say where Trino is.
    const temporal = givesToTrino && configuredTemporal() !== undefined;
    const services = await openServices(output.say, { migrate: 'public', temporal });
    try {
      await schemaOf(services.pool, options.org);
      const pairs = options.setting.map((text): [string, string] => {
        const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
        if (key === undefined || value === undefined)
          throw new PipelineError('ConfigInvalid', `"${text}": expected KEY=VALUE, for example rules=koku`);
        return [key, value];
      });
      if (givesToTrino) await requireTrino(services);
      const settings = await setTenantSettings(
        services.pool,
        options.org,
        pairs,
        engineOfTenant(services.config, {}),
      );
      const shown = Object.entries(settings).map(([key, value]) => `${key}=${String(value)}`);
      output.result(
        `Organisation ${options.org}: ${shown.length === 0 ? 'follows the deployment' : shown.join(', ')}. ` +
          'Months that are summarised already keep their rules and their engine.',
        settings,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

export const tenantShowCommand: Command<ShowOptions> = {
  options: (parser): Argv<ShowOptions> =>
    parser.positional('org', { type: 'string', demandOption: true, describe: 'organisation id' }),
  run: async ({ org }, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const { pool, config } = services;
      const own = await tenantSettings(pool, await schemaOf(pool, org));
      const deployment = { rules: config.OCP_RULES, engine: engineOfTenant(config, {}), shadow: null };
      const settings = Object.entries({ ...deployment, ...own }).map(([key, value]) => ({
        key,
        value,
        from: key in own ? 'organisation' : 'deployment',
      }));
      output.result(
        table(
          ['setting', 'value', 'of the'],
          settings.map(({ key, value, from }) => [key, value ?? 'none', from]),
          '',
        ),
        { orgId: org, settings },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};
