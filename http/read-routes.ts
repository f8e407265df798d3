import rateLimit from '@fastify/rate-limit';
import type { Client } from '@temporalio/client';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { AccessService } from '../api/access-service.ts';
import { fullAccess } from '../api/access.ts';
import type { AccessLists } from '../api/access.ts';
import { ApiError, dependencyFailed, errorBody } from '../api/errors.ts';
import { errorResponse, everyAnswer, handleRead } from '../api/handle.ts';
import type { ReadDeps } from '../api/handle.ts';
import { identityOf } from '../api/identity.ts';
import { isApiToken, verifyApiToken } from '../api/tokens.ts';
import { clock } from '../platform/config/config.ts';
import type { Config } from '../platform/config/config.ts';
import type { PipelineLogger } from '../platform/observability/logging.ts';
import { identityHeader } from '../platform/tenants/identity-header.ts';
import type { Authenticator } from './authenticate.ts';
import { blockedRunsOf } from './blocked-runs.ts';
import { isLoopback } from './networks.ts';
import { answerTo, problem } from './problem.ts';
import type { Problem } from './problem.ts';
import { accessOfClaims } from './reader-claims.ts';

/** Who reads, and what it may see. */
interface Reader {
  name: string;
  orgId: string;
  access: AccessLists;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** who reads, once it has logged in */
    reader: Reader | null;
  }
}

/** What answering readers takes. */
export interface ReaderDeps {
  /** where tokens are */
  pool: Pool;
  /** may be unconnected; undefined: not configured */
  client: Client | undefined;
  config: Config;
  logger: PipelineLogger;
}

/** Connections and readers of the read API. */
export interface ReadOptions {
  /** connections of a role that needs no more than to read */
  readPool: Pool;
  /** organisation whose reports anybody on this machine may read without a login: demonstrations only */
  openOrg?: string | undefined;
}

/**
 * The read API: logins of readers, and the answers of `api/`. Its errors have the form that clients of Koku know, so it
 * is no part of the application for senders.
 */
export async function addReadApi(
  app: FastifyInstance,
  deps: ReaderDeps,
  authenticator: Authenticator,
  { readPool, openOrg }: ReadOptions,
): Promise<void> {
  const { config, logger } = deps;
  const prefix = config.OCP_API_PREFIX;
  const answers: ReadDeps = {
    pool: readPool,
    timeoutMs: config.OCP_API_TIMEOUT,
    retentionMonths: config.RETAIN_NUM_MONTHS,
    now: clock(config),
    warn: (fields, message) => logger.warn(fields, message),
    blockedRuns: (orgId) => blockedRunsOf(deps.client, orgId, config.OCP_TEMPORAL_UI),
  };
  const readerOf = logins(deps, authenticator, openOrg);
  app.decorateRequest('reader', null);
  await app.register(async (routes) => {
    routes.setErrorHandler(async (error, request, reply) => {
      const { status, headers, body } = toldToReader(error, (cause) => {
        logger.warn(
          { error: cause, path: pathOf(request), requestId: request.id },
          'a request of the read API failed',
        );
      });
      return reply.code(status).headers(headers).send(body);
    });
    routes.addHook('onRequest', async (request, reply) => {
      // What a reader can tell an operator, who finds it in the log.
      reply.header('x-request-id', request.id);
      request.reader = await readerOf(request);
    });
    await routes.register(rateLimit, {
      max: config.OCP_MAX_REQUESTS,
      timeWindow: '1 minute',
      keyGenerator: (request) => request.reader?.name ?? request.ip,
    });
    routes.get(`${prefix}*`, { schema: { hide: true } }, async (request, reply) => {
      const { reader } = request;
      if (reader === null) throw new ApiError(401, undefined, 'no reader');
      const warn: ReadDeps['warn'] = (fields, message) =>
        logger.warn({ ...fields, requestId: request.id }, message);
      const { status, headers, body } = await handleRead(
        { ...answers, warn },
        {
          prefix,
          path: pathOf(request),
          query: (request.raw.url ?? '').split('?').slice(1).join('?'),
          accept: request.headers.accept,
          ifNoneMatch: request.headers['if-none-match'],
          orgId: reader.orgId,
          access: reader.access,
        },
      );
      return reply.code(status).headers(headers).send(body);
    });
  });
}

function pathOf(request: FastifyRequest): string {
  return (request.raw.url ?? '').split('?')[0] ?? '';
}

/** The holder of a JWT of the configured issuer. */
async function ofJwt(authenticator: Authenticator, token: string): Promise<Reader | undefined> {
  const holder = await authenticator.readerOf(token);
  return holder && { name: holder.name, orgId: holder.orgId, access: accessOfClaims(holder.claims) };
}

/** Tokens of the read API, JWTs, or an identity header from a trusted connection. Upload credentials read nothing. */
function logins(
  deps: ReaderDeps,
  authenticator: Authenticator,
  openOrg: string | undefined,
): (request: FastifyRequest) => Promise<Reader> {
  const service = new AccessService(deps.config.RBAC_URL);
  return async (request) => {
    const { authorization } = request.headers;
    const asserted = authenticator.identityOf(request);
    if (asserted !== undefined) {
      if (!asserted.isTrusted)
        throw new ApiError(401, undefined, `${identityHeader} does not count from this address`);
      const identity = identityOf(asserted.header);
      return {
        name: `identity:${identity.username}@${identity.orgId}`,
        orgId: identity.orgId,
        access: await service.accessOf(identity),
      };
    }
    if (openOrg !== undefined && authorization === undefined && isFromHere(request))
      return { name: 'this machine', orgId: openOrg, access: fullAccess };
    return authenticator.attempt(request, async () => {
      const [, token = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
      const known = isApiToken(token)
        ? await verifyApiToken(deps.pool, token)
        : await ofJwt(authenticator, token);
      if (known === undefined)
        throw problem(401, 'expected Authorization: Bearer with a token of ocp-pipeline api token create', {
          isFailedLogin: authorization !== undefined,
          headers: { 'www-authenticate': 'Bearer' },
        });
      return known;
    });
  };
}

/**
 * A connection from this machine that names it by its own address: what a foreign web page has a browser send to a name
 * that it points here is not meant.
 */
function isFromHere({ socket, headers }: FastifyRequest): boolean {
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  return (
    isLoopback(socket.remoteAddress) && (host === 'localhost' || isLoopback(host.replace(/^\[|\]$/g, '')))
  );
}

/** Errors of the API as they are, and those of the application around it in the same form; 401 has no body. */
function toldToReader(error: unknown, report: (error: unknown) => void): ReturnType<typeof errorResponse> {
  if (error instanceof ApiError) return errorResponse(error, report);
  const { status, detail, headers } = answerTo(error);
  // Of a login, which depends on somebody else: the issuer of tokens.
  if ((error as Partial<Problem>).statusCode === 503)
    return errorResponse(dependencyFailed(detail, error), report);
  if (status >= 500) return errorResponse(error, report);
  return {
    status,
    headers: { ...everyAnswer, ...headers },
    body: status === 401 ? undefined : errorBody(status, detail),
  };
}
