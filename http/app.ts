import { randomUUID } from 'node:crypto';
import formBody from '@fastify/formbody';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import Fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Config } from '../platform/config/config.ts';
import { packageVersion } from '../platform/config/package-root.ts';
import type { IntakeDeps } from '../intake/accept-payload.ts';
import type { PipelineLogger } from '../platform/observability/logging.ts';
import { audit } from './audit.ts';
import { Authenticator } from './authenticate.ts';
import { addHealth } from './health-routes.ts';
import { describeApi, loginsOfSenders } from './openapi.ts';
import type { Principal } from './principal.ts';
import { addPage } from './page-routes.ts';
import { addReadApi } from './read-routes.ts';
import type { ReaderDeps, ReadOptions } from './read-routes.ts';
import { answerTo } from './problem.ts';
import { addSources } from './sources-routes.ts';
import { addTokenEndpoint } from './token-route.ts';
import { addUpload, uploadBody } from './upload-route.ts';
import { closeUnusedConnections } from './unused-connections.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** who sends, once it has logged in */
    principal: Principal | null;
  }
}

/** What the HTTP application works with. */
export interface HttpDeps extends IntakeDeps {
  /** for migrations of a tenant that is registered */
  databaseUrl: string;
  logger: PipelineLogger;
}

/** Which parts are served. */
export interface HttpOptions {
  /** the Sources API; not beside Koku's own */
  sources: boolean;
  /** the read API and the page on it; undefined: not served */
  read?: ReadOptions;
  /** further parts, for senders that have logged in */
  plugins?: readonly ((app: FastifyInstance) => Promise<void> | void)[];
}

/** Bytes of a body that is no upload. */
const maxBodyBytes = 1024 * 1024;

/**
 * The HTTP application: upload endpoint, Sources API, token endpoint, health, OpenAPI document. It does not listen yet.
 * Everything but health, the document and the token endpoint requires a login.
 */
export async function createHttpApp(deps: HttpDeps, options: HttpOptions): Promise<FastifyInstance> {
  const { config, pool } = deps;
  const app = emptyApp(config, deps.logger);
  await describeApi(app, {
    version: packageVersion(),
    description: 'Uploads of OpenShift cost payloads, and what an operator asks before it uploads.',
    logins: loginsOfSenders,
    bodies: [uploadBody],
  });
  await app.register(formBody);
  await app.register(multipart, {
    preservePath: true,
    isPartAFile: (_field, type, name) =>
      name !== undefined || type?.startsWith('application/vnd.redhat.') === true,
    limits: {
      fileSize: config.OCP_MAX_UPLOAD_MB * 1_000_000,
      files: 3,
      fields: 20,
      parts: 20,
      headerPairs: 50,
    },
  });
  const authenticator = new Authenticator(pool, config);
  addHealth(app, pool, deps);
  addTokenEndpoint(app, deps, authenticator);
  if (options.read !== undefined) await addReading(app, deps, authenticator, options.read);
  await app.register(async (loggedIn) => {
    loggedIn.addHook('onRequest', async (request) => {
      request.principal = await authenticator.principalOf(request);
    });
    await loggedIn.register(rateLimit, {
      max: config.OCP_MAX_REQUESTS,
      timeWindow: '1 minute',
      keyGenerator: (request) => request.principal?.name ?? request.ip,
    });
    addUpload(loggedIn, deps);
    if (options.sources) addSources(loggedIn, deps);
    for (const plugin of options.plugins ?? []) await loggedIn.register(plugin);
  });
  return app;
}

/**
 * The application for readers alone: read API, page, health, OpenAPI document. Nothing can be sent to it, so that it
 * needs no object store, and Temporal only to name the runs that wait. It does not listen yet.
 */
export async function createReaderApp(deps: ReaderDeps, read: ReadOptions): Promise<FastifyInstance> {
  const { config, pool } = deps;
  const app = emptyApp(config, deps.logger);
  await describeApi(app, {
    version: packageVersion(),
    description: `Whether this server is up. ${config.OCP_API_PREFIX}openapi.json describes the reports.`,
  });
  addHealth(app, pool);
  await addReading(app, deps, new Authenticator(pool, config), read);
  return app;
}

/** An application without routes. */
function emptyApp(config: Config, logger: PipelineLogger): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: config.OCP_UPLOAD_TIMEOUT + 30_000,
    trustProxy: trusted([...config.TRUST_PROXY_FROM, ...config.TRUST_IDENTITY_HEADER_FROM]),
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 200 },
    return503OnClosing: true,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('principal', null);
  // Some answers repeat what was asked: no browser shall take them for something else than they are.
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
  });
  closeUnusedConnections(app);
  answerErrors(app, logger);
  return app;
}

async function addReading(
  app: FastifyInstance,
  deps: ReaderDeps,
  authenticator: Authenticator,
  read: ReadOptions,
): Promise<void> {
  await addReadApi(app, deps, authenticator, read);
  addPage(app, deps.config.OCP_API_PREFIX);
}

/** No proxy is trusted unless it is named. */
function trusted(networks: string[]): string[] | false {
  return networks.length > 0 && networks;
}

/** Errors become JSON with one sentence; refusals are audited, and what is our fault is logged. */
function answerErrors(app: FastifyInstance, logger: PipelineLogger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { status, detail, headers } = answerTo(error);
    if (status >= 500) logger.error({ error, url: urlOf(request), status }, 'request failed');
    if (status < 500) audit(logger, request, { decision: 'refused', action: urlOf(request), reason: detail });
    return reply
      .code(status)
      .headers(headers)
      .send({ errors: [{ status, detail }] });
  });
  app.setNotFoundHandler((request, reply) => {
    const [, path = ''] = urlOf(request).split(' ');
    const allowed = ['GET', 'HEAD', 'POST'].filter((method) => app.hasRoute({ method, url: path }));
    if (allowed.length === 0)
      return reply.code(404).send({ errors: [{ status: 404, detail: `no such page: ${urlOf(request)}` }] });
    return reply
      .code(405)
      .header('allow', allowed.join(', '))
      .send({ errors: [{ status: 405, detail: `${path}: expected ${allowed.join(' or ')}` }] });
  });
}

/** Method and path, without the query. */
function urlOf(request: FastifyRequest): string {
  return `${request.method} ${request.url.replace(/\?.*$/s, '')}`;
}
