import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { configuredTemporal } from '../../platform/temporal/connection.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import { engineOfTenant } from '../../engines/engine-of-month.ts';
import { requireTrino } from '../require-trino.ts';
import type { Command } from '../command.ts';
import { schemaOf } from '../../platform/tenants/sources.ts';
import { openServices } from '../services.ts';

interface Options {
  org: string;
  setting: string[];
}

export const tenantSetCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
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
