import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { HttpDeps } from './app.ts';
import { audit } from './audit.ts';
import type { Authenticator } from './authenticate.ts';
import { errorSchema } from './openapi.ts';
import { issueToken } from './own-tokens.ts';
import { problem } from './problem.ts';

const formSchema = z.object({
  grant_type: z.literal('client_credentials', 'expected client_credentials'),
  client_id: z.string().max(200).optional(),
  client_secret: z.string().max(200).optional(),
  scope: z.string().max(1_000).optional(),
});

const tokenSchema = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int(),
});

/** Address of the token endpoint (OAuth 2.0, client credentials): `token_url` of an operator. */
const tokenPath = '/oauth/token';

/** The token endpoint, for sites without an identity provider. */
export function addTokenEndpoint(
  app: FastifyInstance,
  { pool, config, logger }: HttpDeps,
  authenticator: Authenticator,
): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    tokenPath,
    {
      schema: {
        tags: ['login'],
        summary: 'A short-lived token for a client id and its secret',
        security: [],
        consumes: ['application/x-www-form-urlencoded'],
        body: formSchema,
        response: {
          200: tokenSchema,
          400: errorSchema,
          401: errorSchema,
          415: errorSchema,
          429: errorSchema,
        },
      },
    },
    async (request, reply) => {
      const { name, secret } = clientOf(request, request.body);
      const credential = await authenticator.client(request, name, secret);
      const { token, lifetimeSeconds } = await issueToken(pool, credential, config.OCP_TOKEN_LIFETIME);
      audit(logger, request, { decision: 'accepted', action: `login of client:${credential.name}` });
      return reply
        .header('cache-control', 'no-store')
        .send({ access_token: token, token_type: 'Bearer' as const, expires_in: lifetimeSeconds });
    },
  );
}

/** RFC 6749, section 2.3.1: in the form, or as Basic. */
function clientOf(
  request: FastifyRequest,
  form: z.infer<typeof formSchema>,
): { name: string; secret: string } {
  const [, basic] = /^basic +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
  if (basic !== undefined) {
    const [, name = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? [];
    return { name, secret };
  }
  const { client_id: name, client_secret: secret } = form;
  if (name === undefined || secret === undefined)
    throw problem(400, 'expected client_id and client_secret, in the form or as Basic');
  return { name, secret };
}
