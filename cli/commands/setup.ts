import { applySchedules } from '../../platform/temporal/schedules.ts';
import { registerSearchAttributes } from '../../platform/temporal/search-attributes.ts';
import type { Command } from '../command.ts';
import { openServices } from '../services.ts';

export const setupCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const client = await services.client();
      const registered = await registerSearchAttributes(
        client.connection as never,
        services.temporal?.namespace ?? '',
      );
      const schedules = await applySchedules(client, services.config);
      output.result(
        [
          registered.length === 0
            ? 'All search attributes are registered'
            : `Registered search attributes: ${registered.join(', ')}`,
          ...schedules.map(({ scheduleId, outcome }) => `Schedule ${scheduleId}: ${outcome}`),
        ].join('\n'),
        { registered, schedules },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};
