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

/**
 * Serve the OpenAPI document; call it before routes are added.
 * @param bodies of operations that read their body themselves
 */
export async function describeApi(
  app: FastifyInstance,
  version: string,
  bodies: readonly DescribedBody[],
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'ocp-pipeline',
        description: 'Uploads of OpenShift cost payloads, and what an operator asks before it uploads.',
        version,
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'JWT, or a static token' },
          basic: { type: 'http', scheme: 'basic', description: 'client id and secret; over TLS or loopback' },
        },
      },
      security: [{ bearer: [] }, { basic: [] }],
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
