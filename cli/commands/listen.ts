import { listen } from '../../intake/kafka/listener.ts';
import type { ListenDeps } from '../../intake/kafka/take-message.ts';
import { openProducer } from '../../platform/kafka/client.ts';
import { serveHealth } from '../../platform/observability/health-server.ts';
import type { HealthCheck, HealthPages } from '../../platform/observability/health-server.ts';
import type { Command } from '../command.ts';
import { describeFailure } from '../failure.ts';
import { requireConfigured } from '../required-settings.ts';
import { openServices, processLogger } from '../services.ts';
import type { Services } from '../services.ts';
import { stopSignal } from '../stop-signal.ts';

export const listenCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const stop = stopSignal();
    requireConfigured(
      ['DATABASE_URL', 'OBJECT_STORE', 'KAFKA_BROKERS', 'TEMPORAL_ADDRESS'],
      'a listener works with the servers of your workers',
    );
    const services = await openServices(output.say, { temporal: true, objectStore: true, migrate: 'public' });
    try {
      await listenWith(services, stop);
    } finally {
      await services.close();
    }
    return 0;
  },
};

async function listenWith(services: Services, stop: AbortSignal): Promise<void> {
  const { config, pool, objectStore } = services;
  const log = await processLogger(config, 'standard output');
  const { closeTemporalRuntime } = await import('../../platform/observability/temporal-runtime.ts');
  services.disposal.add('the metrics endpoint', closeTemporalRuntime);
  // Metrics are on the meter of the SDK's native core, which only processes that serve them load.
  const { recordReceived } = await import('../../platform/observability/metrics.ts');
  const client = await services.client();
  const producer = await openProducer(config);
  services.disposal.add('the Kafka producer', () => producer.close());
  const deps: ListenDeps = { client, pool, objectStore, config, producer, log, received: recordReceived };
  let kafka: HealthCheck = { what: 'Kafka', problem: 'connecting' };
  const { OCP_HEALTH_ADDRESS: healthAddress } = config;
  if (healthAddress !== undefined)
    services.disposal.add(
      'the health pages',
      await serveHealth(
        healthAddress,
        pages(services, () => kafka),
      ),
    );
  log.info({ brokers: config.KAFKA_BROKERS }, 'listener started');
  await listen(deps, stop, ({ listening, problem }) => {
    kafka = {
      what: 'Kafka',
      problem: listening ? undefined : describeFailure(problem).errorType,
    };
  });
  log.info('listener stopped');
}

/** It lives as long as it runs: what it depends on may be away, and then messages wait in their topic. */
function pages({ pool }: Services, kafka: () => HealthCheck): HealthPages {
  return {
    '/healthz': () => [{ what: 'listener' }],
    '/readyz': async () => [
      kafka(),
      await pool.query('select 1').then(
        () => ({ what: 'PostgreSQL' }),
        () => ({ what: 'PostgreSQL', problem: 'no answer' }),
      ),
    ],
  };
}
