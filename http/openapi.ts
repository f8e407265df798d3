import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** Every error answer. */
export const errorSchema = z.object({
  errors: z.array(z.object({ status: z.number().int(), detail: z.string() })),
});

/** Error answers of routes that need a login. */
export const commonErrors = {
  400: errorSchema,
  401: errorSchema,
  403: errorSchema,
  429: errorSchema,
  503: errorSchema,
};

/** Bodies that Fastify does not validate, as the OpenAPI document describes them. */
export interface DescribedBody {
  paths: readonly string[];
  requestBody: object;
}

/** How senders log in. */
export const loginsOfSenders = {
  bearer: { type: 'http', scheme: 'bearer', description: 'JWT, or a static token' },
  basic: { type: 'http', scheme: 'basic', description: 'client id and secret; over TLS or loopback' },
} as const;

/** What the document says besides the routes. */
export interface ApiDescription {
  version: string;
  description: string;
  /** what routes ask for that do not say otherwise */
  logins?: typeof loginsOfSenders;
  /** of operations that read their body themselves */
  bodies?: readonly DescribedBody[];
}

/** Serve the OpenAPI document; call it before routes are added. */
export async function describeApi(
  app: FastifyInstance,
  { version, description, logins, bodies = [] }: ApiDescription,
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'ocp-pipeline', description, version },
      ...(logins === undefined
        ? {}
        : { components: { securitySchemes: logins }, security: [{ bearer: [] }, { basic: [] }] }),
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      const { openapiObject } = document;
      for (const { paths, requestBody } of bodies)
        for (const path of paths) Object.assign(openapiObject.paths?.[path]?.post ?? {}, { requestBody });
      return openapiObject;
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}
