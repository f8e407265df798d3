import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { acceptPayload } from '../intake/accept-payload.ts';
import { packageVersion } from '../platform/config/package-root.ts';
import type { HttpDeps } from './app.ts';
import { audit } from './audit.ts';
import { commonErrors, errorSchema } from './openapi.ts';
import type { DescribedBody } from './openapi.ts';
import type { Principal } from './principal.ts';
import { problem } from './problem.ts';
import { UploadBudget } from './upload-budget.ts';
import { archiveOf } from './upload-body.ts';

/** Where operators, nise and older clients send archives. */
const uploadPaths = ['/api/ingress/v1/upload', '/r/insights/platform/ingress/v1/upload'];

const testForm = {
  type: 'object',
  required: ['test'],
  properties: { test: { const: 'test' } },
} as const;

/** What the upload endpoint reads, for the OpenAPI document. */
export const uploadBody: DescribedBody = {
  paths: uploadPaths,
  requestBody: {
    required: true,
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          required: ['file'],
          properties: {
            file: {
              type: 'string',
              format: 'binary',
              description: 'the archive, .tar.gz; older clients name this part `upload`',
            },
            metadata: { description: 'JSON; it is not used' },
          },
        },
        encoding: {
          file: { contentType: 'application/vnd.redhat.hccm.tar+tgz' },
          metadata: { contentType: 'application/json' },
        },
      },
      'application/json': { schema: testForm },
      'application/x-www-form-urlencoded': { schema: testForm },
    },
  },
};

const acceptedSchema = z.object({
  request_id: z.string(),
  upload: z.object({ account_number: z.string(), org_id: z.string() }),
});
const testedSchema = z.object({ status: z.literal('ok') });

/** Memory for bodies of all uploads: with 15 MiB each, six large ones at the same time; others wait unread. */
const budgetBytes = 90 * 1024 * 1024;
/** An operator waits 30 s for everything. */
const turnPatienceMs = 20_000;

/** The upload endpoint. */
export function addUpload(app: FastifyInstance, deps: HttpDeps): void {
  const budget = new UploadBudget(budgetBytes, turnPatienceMs);
  const routes = app.withTypeProvider<ZodTypeProvider>();
  for (const url of uploadPaths)
    routes.post(
      url,
      {
        schema: {
          tags: ['upload'],
          summary: 'Send an archive, or test the connection with test=test',
          consumes: ['multipart/form-data', 'application/json', 'application/x-www-form-urlencoded'],
          response: {
            200: testedSchema,
            202: acceptedSchema,
            ...commonErrors,
            408: errorSchema,
            413: errorSchema,
            415: errorSchema,
          },
        },
      },
      (request, reply) => receive({ ...deps, budget }, request, reply),
    );
  routes.get(
    '/api/ingress/v1/version',
    {
      schema: {
        tags: ['upload'],
        response: { 200: z.object({ version: z.string() }), ...commonErrors },
      },
    },
    () => ({ version: packageVersion() }),
  );
}

/** The principal of a request behind the login. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw problem(401, 'not logged in');
  return request.principal;
}

type Received = z.infer<typeof acceptedSchema> | z.infer<typeof testedSchema>;

interface UploadDeps extends HttpDeps {
  budget: UploadBudget;
}

async function receive(
  deps: UploadDeps,
  request: FastifyRequest,
  reply: Pick<FastifyReply, 'code' | 'header'>,
): Promise<Received> {
  const principal = principalOf(request);
  if (!request.isMultipart()) {
    if ((request.body as { test?: unknown } | null | undefined)?.test === 'test') return { status: 'ok' };
    throw problem(415, 'expected a multipart/form-data body with a part named file or upload');
  }
  const acceptance = await accept(deps, request, principal);
  const { requestId, known, notStarted } = acceptance;
  if (notStarted !== undefined)
    deps.logger.warn(
      { error: notStarted, requestId },
      'upload accepted; its run starts when Temporal answers',
    );
  audit(deps.logger, request, {
    decision: 'accepted',
    action: known ? 'upload of a known archive' : 'upload',
    requestId,
  });
  reply.code(202);
  reply.header('x-rh-insights-request-id', requestId);
  return {
    request_id: requestId,
    upload: { account_number: principal.accountNumber ?? '', org_id: principal.orgId },
  };
}

async function accept(deps: UploadDeps, request: FastifyRequest, principal: Principal) {
  const { config } = deps;
  const { orgId, clusterId } = principal;
  // Once it is offered, the door counts it.
  const offer = { isMade: false };
  try {
    const maxBytes = config.OCP_MAX_UPLOAD_MB * 1_000_000;
    const { 'content-length': length } = request.headers;
    const bodyBytes = length === undefined ? undefined : Number(length);
    // The parts around the archive take some bytes too.
    if ((bodyBytes ?? 0) > maxBytes + 100_000)
      throw problem(413, `the archive is larger than ${config.OCP_MAX_UPLOAD_MB} MB (OCP_MAX_UPLOAD_MB)`);
    return await deps.budget.within(bodyBytes, async () => {
      const stream = await archiveOf(request.parts(), {
        totalMs: config.OCP_UPLOAD_TIMEOUT,
        stallMs: config.OCP_UPLOAD_STALL,
      });
      offer.isMade = true;
      return acceptPayload(deps, {
        way: 'upload',
        orgId,
        ...(clusterId === undefined ? {} : { clusterId }),
        bytes: { stream },
      });
    });
  } catch (error) {
    if (!offer.isMade) deps.received?.('upload', 'refused');
    throw error;
  }
}
