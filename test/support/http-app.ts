import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createHttpApp } from '../../http/app.ts';
import type { HttpOptions } from '../../http/app.ts';
import { loadConfig } from '../../platform/config/config.ts';
import { createLogger } from '../../platform/observability/logging.ts';
import { atEnd } from './at-end.ts';
import { testEnvironment } from './pipeline.ts';
import type { TestPipeline } from './pipeline.ts';

/** The HTTP application on a port of its own, with the servers of a test pipeline. */
export interface TestHttp {
  app: FastifyInstance;
  url: string;
  /** outcomes of uploads, in their order */
  received: string[];
}

/** Serve until the tests of the file have ended. */
export async function serveHttp(
  pipeline: Pick<TestPipeline, 'client' | 'database' | 'objectStore'>,
  environment: Record<string, string> = {},
  options: HttpOptions = { sources: true },
): Promise<TestHttp> {
  const { client, database, objectStore } = pipeline;
  const received: string[] = [];
  const app = await createHttpApp(
    {
      client,
      pool: database.pool,
      objectStore,
      config: loadConfig({ ...testEnvironment, ...environment }),
      databaseUrl: database.url,
      logger: createLogger({ level: process.env['OCP_LOG_LEVEL'] ?? 'silent' }),
      received: (_way, outcome) => received.push(outcome),
    },
    options,
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  atEnd(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  return { app, url: `http://127.0.0.1:${port}`, received };
}

/** An archive as a multipart body. */
export function archiveForm(
  archive: Uint8Array,
  {
    field = 'file',
    type = 'application/vnd.redhat.hccm.tar+tgz',
    name = 'cost-mgmt.tar.gz',
  }: { field?: string; type?: string; name?: string } = {},
): FormData {
  const form = new FormData();
  form.append(field, new Blob([new Uint8Array(archive)], { type }), name);
  return form;
}

/** Upload an archive. */
export function upload(
  url: string,
  headers: Record<string, string>,
  body: FormData | string | Uint8Array<ArrayBuffer> | ReadableStream,
): Promise<Response> {
  return fetch(`${url}/api/ingress/v1/upload`, { method: 'POST', headers, body });
}
