import type { Pool } from 'pg';
import { inSnapshot } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';

const rightsSql = loadSql('api/reader_rights.sql');
const timeoutMs = 10_000;

/** What a database role may do with the tables of the read API; tables with their schemas. */
export interface ReaderRights {
  role: string;
  /** organisations with a schema */
  tenantCount: number;
  /** tables that answers are made of and that it may not read */
  unreadable: string[];
  /** tables that it may write, which no answer needs */
  writable: string[];
}

/** Look up what the role of a pool may do; it has to be able to read `public.api_customer`. */
export async function readerRights(pool: Pool): Promise<ReaderRights> {
  return inSnapshot(pool, timeoutMs, async (client) => {
    const { rows } = await client.query<{
      role: string;
      tenant_count: number;
      unreadable: string[];
      writable: string[];
    }>(rightsSql);
    const [found] = rows;
    return {
      role: found?.role ?? '',
      tenantCount: found?.tenant_count ?? 0,
      unreadable: found?.unreadable ?? [],
      writable: found?.writable ?? [],
    };
  });
}
