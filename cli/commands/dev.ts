import { serveHealth } from '../../platform/observability/health-server.ts';
import { applySchedules } from '../../platform/temporal/schedules.ts';
import { healthPages } from '../../workers/health.ts';
import type { Command } from '../command.ts';
import { openPage } from '../open-page.ts';
import { logFile, openServices, processLogger } from '../services.ts';
import { aborted, stopSignal } from '../stop-signal.ts';

export const devCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const stop = stopSignal();
    const services = await openServices(output.say, { temporal: true, objectStore: true, migrate: 'all' });
    let stopHealth = async () => Promise.resolve();
    try {
      await processLogger(services.config, 'file');
      const { OCP_HEALTH_ADDRESS: healthAddress } = services.config;
      if (healthAddress !== undefined)
        stopHealth = await serveHealth(healthAddress, healthPages(services.observer, services.pool));
      const workers = await services.startWorkers();
      await applySchedules(await services.client(), services.config);
      const pageUrl = await openPage(services);
      const settings = {
        DATABASE_URL: services.databaseUrl,
        OBJECT_STORE: services.objectStoreUrl,
        TEMPORAL_ADDRESS: services.temporal?.connectionOptions.address ?? '',
        TEMPORAL_NAMESPACE: services.temporal?.namespace ?? '',
      };
      output.result(
        [
          'Ready. In another terminal:',
          ...Object.entries(settings).map(([name, value]) => `  export ${name}='${value}'`),
          ...(services.temporalUiUrl === undefined ? [] : [`Temporal UI: ${services.temporalUiUrl}`]),
          `Page: ${pageUrl} (sign in with a token: ocp-pipeline api token create --org ID)`,
          `Worker log: ${logFile(services.config)}`,
          'Ctrl-C stops everything; the data stays.',
        ].join('\n'),
        { ...settings, temporalUiUrl: services.temporalUiUrl, pageUrl },
      );
      await Promise.race([aborted(stop), workers.finished]);
      output.say('Stopping …');
      workers.stop();
      await workers.finished;
      return 0;
    } finally {
      await stopHealth();
      await services.close();
    }
  },
};
