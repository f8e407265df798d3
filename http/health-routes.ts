import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
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

/** `/healthz`: the process answers. `/readyz`: it can accept uploads; Temporal may be away. No login. */
export function addHealth(app: FastifyInstance, { pool, objectStore, client }: HttpDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const schema = { tags: ['health'], security: [], response: { 200: healthSchema, 503: healthSchema } };
  routes.get('/healthz', { schema }, () => ({ status: 'ok' as const, checks: [] }));
  routes.get('/readyz', { schema }, async (_request, reply) => {
    const [database, store, temporal] = await Promise.all([
      check('database', () => pool.query('select 1')),
      check('object store', () => objectStore.assertUsable()),
      check(
        'Temporal (uploads wait for it)',
        () => client.withDeadline(Date.now() + maxTemporalCheckMs, () => client.connection.ensureConnected()),
        maxTemporalCheckMs,
      ),
    ]);
    const isReady = [database, store].every(({ problem }) => problem === undefined);
    return reply
      .code(isReady ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: isReady ? 'ok' : 'unavailable', checks: [database, store, temporal] });
  });
}

/** Whether something answers; what exactly failed is in the log, because anybody may ask. */
async function check(
  what: string,
  look: () => Promise<unknown>,
  maxMs = maxCheckMs,
): Promise<{ what: string; problem?: string }> {
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
