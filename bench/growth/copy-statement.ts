import type { ClientBase } from 'pg';
import { quoteIdentifier } from '../../platform/database/schema-names.ts';

/** How rows of a table are made from rows of the same table. */
export interface RowCopy {
  schema: string;
  table: string;
  /** SQL by column, where the copy differs; what the table lacks is left out, `default` leaves the column out */
  changes: Readonly<Record<string, string>>;
  /** from clause and conditions; the copied row is `seed` */
  from: string;
  /** for rows that are there already */
  onConflict?: string;
}

/** `insert … select` that copies every column but the changed ones, whatever columns a migration adds later. */
export async function copyStatement(client: ClientBase, copy: RowCopy): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name
     from pg_attribute
     where attrelid = format('%I.%I', $1::text, $2::text)::regclass
         and attnum > 0
         and not attisdropped
         and attgenerated = ''
     order by attnum`,
    [copy.schema, copy.table],
  );
  const kept = rows.filter(({ name }) => copy.changes[name] !== 'default');
  const columns = kept.map(({ name }) => quoteIdentifier(name));
  const values = kept.map(({ name }) => copy.changes[name] ?? `seed.${quoteIdentifier(name)}`);
  return `insert into ${quoteIdentifier(copy.schema)}.${quoteIdentifier(copy.table)} (${columns.join(', ')})
overriding system value
select ${values.join(', ')}
from ${copy.from}
${copy.onConflict ?? ''}`;
}
