import type { PoolClient } from 'pg';

/** The single value that a statement returns. @throws Error if it returns none */
export async function scalar<T>(client: PoolClient, text: string, values: unknown[]): Promise<T> {
  const { rows } = await client.query<Record<string, T>>(text, values);
  const value = rows[0] && Object.values(rows[0])[0];
  if (value === undefined) throw new Error(`expected one value, found none: ${text}`);
  return value;
}
