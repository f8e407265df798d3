import type { AddressInfo } from 'node:net';
import { createHttpApp } from '../http/app.ts';
import { pagePath } from '../http/page-routes.ts';
import { processLogger } from './services.ts';
import type { Services } from './services.ts';

/** Connections of the page's readers, and of everything else that the application does. */
const poolSize = 4;

/**
 * Serve the page and the read API on a loopback address: demonstrations and development. The port is that of
 * `OCP_HTTP_ADDRESS` if it is free.
 *
 * @param orgId organisation that needs no login from this machine; without one a token is asked for
 * @returns the page's address; it is served until the services are closed
 */
export async function openPage(services: Services, orgId?: string): Promise<string> {
  const { config, objectStore, databaseUrl } = services;
  const app = await createHttpApp(
    {
      client: await services.lazyClient(),
      pool: services.openPool(poolSize, 'ocp-pipeline page'),
      objectStore,
      config: { ...config, OCP_TEMPORAL_UI: config.OCP_TEMPORAL_UI ?? services.temporalUiUrl },
      databaseUrl,
      logger: await processLogger(config, 'file'),
      received: () => undefined,
    },
    { sources: true, read: { readPool: services.openPool(poolSize, 'ocp-pipeline api'), openOrg: orgId } },
  );
  services.disposal.add('the page', () => app.close());
  const host = '127.0.0.1';
  const port = Number(/\d+$/.exec(config.OCP_HTTP_ADDRESS)?.[0] ?? 0);
  await app.listen({ host, port }).catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return app.listen({ host, port: 0 });
  });
  const address = app.server.address() as AddressInfo;
  return `http://${host}:${address.port}${pagePath}`;
}
