import { readerRights } from '../api/reader-role.ts';
import type { Check } from './checks.ts';
import type { Services } from './services.ts';

const maxNamed = 5;
const section = 'docs/api.md, "A role that only reads"';

/** Whether the role of `READ_DATABASE_URL` can read what answers are made of, and nothing more than read. */
export async function checkReader(services: Services): Promise<Check[]> {
  if (services.config.READ_DATABASE_URL === undefined) return [];
  const what = 'role of the read API';
  const { role, tenantCount, unreadable, writable } = await readerRights(
    services.openReadPool(1, 'ocp-pipeline doctor'),
  );
  const problems = [
    ...(unreadable.length > 0 ? [`may not read ${named(unreadable)}`] : []),
    ...(writable.length > 0 ? [`may write ${named(writable)}`] : []),
  ];
  if (problems.length === 0)
    return [{ what, ok: true, found: `${role} reads ${tenantCount} organisations and writes nothing` }];
  return [
    {
      what,
      ok: false,
      found: `${role} ${problems.join(', and ')}`,
      repair: `grant what ${section} grants, and nothing else, or name another role in READ_DATABASE_URL`,
    },
  ];
}

function named(tables: readonly string[]): string {
  const more = tables.length > maxNamed ? ` and ${tables.length - maxNamed} more tables` : '';
  return `${tables.slice(0, maxNamed).join(', ')}${more}`;
}
