import type { QueryResult, QueryResultRow } from 'pg';

/** The part of a client or a pool that is needed. */
interface Asked {
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<Row>>;
}

/** Is there a table, index or view of that name, with its schema? The name is quoted as in SQL text. */
export async function relationExists(client: Asked, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    name,
  ]);
  return rows[0]?.found === true;
}
