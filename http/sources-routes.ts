import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isOfAnotherOrg, listApiSources } from '../platform/tenants/api-sources.ts';
import type { ApiSource } from '../platform/tenants/api-sources.ts';
import { registerSource } from '../platform/tenants/sources.ts';
import type { HttpDeps } from './app.ts';
import { audit } from './audit.ts';
import { commonErrors } from './openapi.ts';
import type { Principal } from './principal.ts';
import { problem } from './problem.ts';
import { principalOf } from './upload-route.ts';

/** Where an operator looks (`sources_path`). */
const prefix = '/api/cost-management/v1';

/** The only type of source, and the only application. Ids are text. */
const sourceTypes = [{ id: '1', name: 'openshift', product_name: 'Red Hat OpenShift Container Platform' }];
const applicationTypes = [
  { id: '0', name: '/insights/platform/cost-management', display_name: 'Cost Management' },
];

const printable = z
  .string()
  // Spelled out, so that every reader of the OpenAPI document understands it.
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'expected no control characters');
const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    meta: z.object({ count: z.number().int() }),
    links: z.object({ first: z.string(), last: z.string() }),
    data: z.array(item),
  });
const typeSchema = z.object({ id: z.string(), name: z.string() });
const sourceSchema = z.object({
  id: z.string(),
  uuid: z.string(),
  name: z.string(),
  source_type_id: z.string(),
  source_ref: z.string(),
  created_at: z.string().nullable(),
});
const applicationSchema = z.object({
  id: z.string(),
  source_id: z.string(),
  application_type_id: z.string(),
});
const nameFilter = z.object({ 'filter[name]': printable.optional() });
const sourceFilter = z.object({
  'filter[name]': printable.optional(),
  'filter[source_type_id]': printable.optional(),
  'filter[source_ref]': printable.optional(),
  'filter[org_id]': printable.optional(),
});
const newSourceSchema = z.object({
  source_type_id: z.literal('1', 'expected "1" (openshift)'),
  name: printable.min(1).max(256),
  source_ref: printable.min(1).max(50),
  org_id: z.string().optional(),
});
const newApplicationSchema = z.object({
  source_id: z.string().regex(/^\d{1,9}$/, 'expected the id of a source'),
  application_type_id: z.literal('0', 'expected "0" (/insights/platform/cost-management)'),
});

/** The calls of the Sources API that an operator makes before it uploads anything. */
export function addSources(app: FastifyInstance, deps: HttpDeps): void {
  addTypes(app);
  addSourceLists(app, deps);
  addRegistration(app, deps);
}

function addTypes(app: FastifyInstance): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  for (const [path, types] of [
    ['source_types', sourceTypes],
    ['application_types', applicationTypes],
  ] as const)
    routes.get(
      `${prefix}/${path}`,
      {
        schema: {
          tags: ['sources'],
          querystring: nameFilter,
          response: { 200: listOf(typeSchema), ...commonErrors },
        },
      },
      ({ query, url }) => {
        const name = query['filter[name]'];
        return page(
          types.filter((type) => name === undefined || type.name === name),
          url,
        );
      },
    );
}

function page<T>(data: T[], url: string) {
  return { meta: { count: data.length }, links: { first: url, last: url }, data };
}

function shown(source: ApiSource) {
  return {
    id: String(source.id),
    uuid: source.sourceUuid,
    name: source.name,
    source_type_id: '1',
    source_ref: source.clusterId,
    created_at: source.createdAt?.toISOString() ?? null,
  };
}

/** @throws Problem 403 if a request names another organisation */
function requireOwnOrg(principal: Principal, named: string | undefined): void {
  if (named !== undefined && named !== principal.orgId)
    throw problem(403, `these credentials are for organisation ${principal.orgId} only`);
}

function addSourceLists(app: FastifyInstance, { pool }: HttpDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    `${prefix}/sources`,
    {
      schema: {
        tags: ['sources'],
        summary: "Registered clusters of the sender's organisation",
        querystring: sourceFilter,
        response: { 200: listOf(sourceSchema), ...commonErrors },
      },
    },
    async (request) => {
      const { query, url } = request;
      const principal = principalOf(request);
      requireOwnOrg(principal, query['filter[org_id]']);
      const name = query['filter[name]'];
      const clusterId = query['filter[source_ref]'];
      if (clusterId !== undefined && principal.clusterId !== undefined && clusterId !== principal.clusterId)
        throw problem(403, `these credentials are for cluster ${principal.clusterId} only`);
      if ((query['filter[source_type_id]'] ?? '1') !== '1') return page([], url);
      const found = await listApiSources(pool, { orgId: principal.orgId, name, clusterId });
      // Whether a name is taken is asked across the organisation; nothing else is shown of other clusters.
      const visible = found.filter(
        (source) =>
          principal.clusterId === undefined || name !== undefined || source.clusterId === principal.clusterId,
      );
      return page(visible.map(shown), url);
    },
  );
}

function addRegistration(app: FastifyInstance, deps: HttpDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.post(
    `${prefix}/sources`,
    {
      schema: {
        tags: ['sources'],
        summary: 'Register a cluster',
        body: newSourceSchema,
        response: { 201: sourceSchema, ...commonErrors },
      },
    },
    async (request, reply) => {
      const source = await register(deps, principalOf(request), request.body);
      audit(deps.logger, request, {
        decision: 'accepted',
        action: 'registration of a source',
        clusterId: source.clusterId,
      });
      return reply.code(201).send(shown(source));
    },
  );
  routes.post(
    `${prefix}/applications`,
    {
      schema: {
        tags: ['sources'],
        summary: 'Have cost management use a source; every registered source does',
        body: newApplicationSchema,
        response: { 201: applicationSchema, ...commonErrors },
      },
    },
    async (request, reply) => {
      const { source_id, application_type_id } = request.body;
      const principal = principalOf(request);
      const { orgId, clusterId } = principal;
      const found = await listApiSources(deps.pool, { orgId, clusterId, id: Number(source_id) });
      if (found.length === 0) throw problem(400, `source_id: there is no source ${source_id}`);
      return reply.code(201).send({ id: source_id, source_id, application_type_id });
    },
  );
}

async function register(
  deps: HttpDeps,
  principal: Principal,
  { name, source_ref: clusterId, org_id }: z.infer<typeof newSourceSchema>,
): Promise<ApiSource> {
  const { pool, databaseUrl, logger } = deps;
  const { orgId } = principal;
  requireOwnOrg(principal, org_id);
  if (principal.clusterId !== undefined && principal.clusterId !== clusterId)
    throw problem(403, `these credentials are for cluster ${principal.clusterId} only`);
  if (await isOfAnotherOrg(pool, orgId, clusterId))
    throw problem(400, `cluster ${clusterId} cannot be registered: another organisation has registered it`);
  const sameName = await listApiSources(pool, { orgId, name });
  if (sameName.some((source) => source.clusterId !== clusterId))
    throw problem(
      400,
      `the name "${name}" belongs to another cluster of the organisation; choose another name`,
    );
  await registerSource({ pool, databaseUrl, log: logger }, { orgId, clusterId, name });
  const [source] = await listApiSources(pool, { orgId, clusterId });
  if (source === undefined) throw new Error(`source of cluster ${clusterId} is not listed`);
  return source;
}
