import { checkStaging } from '../summary/staging-check.ts';
import type { MiscountedMonth } from '../summary/staging-check.ts';
import { tenantIsBehind } from '../platform/migrations/migrate.ts';
import { tenantsWithTables } from '../platform/migrations/tenant-schemas.ts';
import type { Check } from './checks.ts';
import { formatNumber } from './output.ts';
import type { Services } from './services.ts';

/** Compare the ledger with staging, for every tenant; another check reports schemas that are behind. */
export async function checkLineItems({ pool }: Services): Promise<Check[]> {
  const checks: Check[] = [];
  const notCounted: string[] = [];
  for (const { schema } of await tenantsWithTables(pool)) {
    if (await tenantIsBehind(pool, schema)) continue;
    const checked = await checkStaging(pool, schema);
    checks.push(...differences(checked.miscounted));
    notCounted.push(...checked.notCounted.map((kind) => `${kind} of ${schema}`));
  }
  if (checks.length > 0) return checks;
  const found = 'staging holds the rows that the ledger says';
  return [
    {
      what: 'line items',
      ok: true,
      found:
        notCounted.length === 0
          ? found
          : `${found}; too many to count here, every rebuild counts them: ${notCounted.join(', ')}`,
    },
  ];
}

/** One line per source and month, with the command that repairs it. */
function differences(miscounted: readonly MiscountedMonth[]): Check[] {
  const months = new Map<string, MiscountedMonth[]>();
  for (const one of miscounted) {
    const key = `${one.clusterId} ${one.month}`;
    months.set(key, [...(months.get(key) ?? []), one]);
  }
  return [...months.values()].flatMap((kinds): Check[] => {
    const [first] = kinds;
    if (first === undefined) return [];
    return [
      {
        what: `line items of ${first.clusterId}, ${first.month}`,
        ok: false,
        found: kinds
          .map(
            ({ reportKind, dayCount, firstDay, expected, found }) =>
              `${reportKind} of ${dayCount === 1 ? firstDay : `${dayCount} days from ${firstDay} on`}: ` +
              `${formatNumber(expected)} rows in the ledger, ${formatNumber(found)} in staging`,
          )
          .join('; '),
        repair: `ocp-pipeline resummarize --org ${first.orgId} --cluster ${first.clusterId} --month ${first.month}`,
      },
    ];
  });
}
