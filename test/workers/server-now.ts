import { inject } from 'vitest';
import { onServer } from '../support/template-database.ts';

/** The time of the servers: Node's own clock may be set otherwise, and workflows go by the server's. */
export async function serverNow(): Promise<Date> {
  return onServer(inject('postgresUrl'), async (client) => {
    const { rows } = await client.query<{ now: string }>('select now()::text as now');
    return new Date(rows[0]?.now ?? Number.NaN);
  });
}
