import type { Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { HttpDeps } from './app.ts';

const healthSchema = z.object({
  status: z.enum(['ok', 'unavailable']),
  checks: z.array(z.object({ what: z.string(), problem: z.string().optional() })),
});

/** A check that hangs is a problem too. Milliseconds. */
const maxCheckMs = 5_000;
/** Temporal does not decide: while it is away, probes that wait a second at most must be answered in time. */
const maxTemporalCheckMs = 500;

/**
 * `/healthz`: the process answers. `/readyz`: it can answer readers, and accept uploads; Temporal may be away. Neither
 * asks for a login.
 * @param uploads what they need besides the database; undefined: none are accepted
 */
export function addHealth(
  app: FastifyInstance,
  pool: Pool,
  uploads?: Pick<HttpDeps, 'objectStore' | 'client'>,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const schema = { tags: ['health'], security: [], response: { 200: healthSchema, 503: healthSchema } };
  routes.get('/healthz', { schema }, () => ({ status: 'ok' as const, checks: [] }));
  routes.get('/readyz', { schema }, async (_request, reply) => {
    const needed = [check('database', () => pool.query('select 1'))];
    if (uploads !== undefined) needed.push(check('object store', () => uploads.objectStore.assertUsable()));
    const named = uploads === undefined ? [] : [checkTemporal(uploads.client)];
    const [decisive, others] = await Promise.all([Promise.all(needed), Promise.all(named)]);
    const isReady = decisive.every(({ problem }) => problem === undefined);
    return reply
      .code(isReady ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: isReady ? 'ok' : 'unavailable', checks: [...decisive, ...others] });
  });
}

function checkTemporal(client: Client): Promise<Check> {
  return check(
    'Temporal (uploads wait for it)',
    () => client.withDeadline(Date.now() + maxTemporalCheckMs, () => client.connection.ensureConnected()),
    maxTemporalCheckMs,
  );
}

type Check = z.infer<typeof healthSchema>['checks'][number];

/** Whether something answers; what exactly failed is in the log, because anybody may ask. */
async function check(what: string, look: () => Promise<unknown>, maxMs = maxCheckMs): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('late')), maxMs);
  });
  try {
    await Promise.race([look(), late]);
    return { what };
  } catch {
    return { what, problem: 'does not answer' };
  } finally {
    clearTimeout(timer);
  }
}
