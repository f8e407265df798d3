import type { PoolClient } from 'pg';
import { fullAccess } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { answer } from '../../api/endpoints.ts';
import type { TestDatabase } from './database.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';

/** How to ask. */
export interface CallOptions {
  today: string;
  access?: AccessLists;
  accept?: string;
}

/** What the API answers to a URL, in JSON; an error is thrown. */
export async function jsonOf(database: TestDatabase, url: string, options: CallOptions): Promise<unknown> {
  return inTenantTransaction(database.pool, database.schema, (client) => answerOn(client, url, options));
}

/** The same, in the transaction of a client. */
export async function answerOn(client: PoolClient, url: string, options: CallOptions): Promise<unknown> {
  const [path = '', query = ''] = url.split('?');
  const found = await answer(client, path.replace(/^\/api\/cost-management\/v1\//, ''), {
    path,
    query,
    access: options.access ?? fullAccess,
    today: options.today,
    retentionMonths: 4,
    format: options.accept === 'text/csv' ? 'csv' : 'json',
  });
  // As a client sees it.
  return found.format === 'csv' ? found.text : (JSON.parse(JSON.stringify(found.body)) as unknown);
}
