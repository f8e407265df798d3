import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { TestDatabase } from './database.ts';

/** Surrogate keys and times differ between any two runs. */
const surrogate = new Set([
  'uuid',
  'id',
  'report_period_id',
  'source_uuid',
  'source',
  'provider_id',
  'cost_category_id',
  'parent_id',
  'child_id',
]);
/** Tables whose cluster_id is the key of the cluster row. */
const clusterIsSurrogate = new Set(['reporting_ocp_nodes', 'reporting_ocp_projects', 'reporting_ocp_pvcs']);
/** Koku overwrites these arrays with what one run saw; here they are united. */
const unitedHere: Readonly<Record<string, ReadonlySet<string>>> = {
  reporting_ocptags_values: new Set(['cluster_ids', 'cluster_aliases', 'namespaces', 'nodes']),
};
const isTime = /(_datetime|_timestamp)$/;
const isNumeric =
  /(_hours|_cost|_gigabytes?|_months|_cores|_gb|_mib|uptime|slices|_count|cpu_request|mem_request)$/;
const numberForm = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Result tables of a run that the golden data of small clusters have. */
export const goldenTables = [
  'reporting_ocpusagelineitem_daily_summary',
  'reporting_ocp_cost_summary_p',
  'reporting_ocp_cost_summary_by_node_p',
  'reporting_ocp_cost_summary_by_project_p',
  'reporting_ocp_pod_summary_p',
  'reporting_ocp_pod_summary_by_node_p',
  'reporting_ocp_pod_summary_by_project_p',
  'reporting_ocp_volume_summary_p',
  'reporting_ocp_volume_summary_by_project_p',
  'reporting_ocp_gpu_summary_p',
  'reporting_ocp_vm_summary_p',
  'reporting_ocpusagepodlabel_summary',
  'reporting_ocpstoragevolumelabel_summary',
  'reporting_ocptags_values',
  'reporting_ocp_clusters',
  'reporting_ocp_nodes',
  'reporting_ocp_projects',
  'reporting_ocp_pvcs',
  'reporting_ocp_cost_category',
  'reporting_ocp_cost_category_namespace',
  'reporting_ocpusagereportperiod',
  'reporting_enabledtagkeys',
] as const;

interface Row {
  key: string;
  numbers: Map<string, number | null>;
}

/**
 * Compare a table of the tenant with a golden CSV: rows as multisets, surrogate keys and times aside, jsonb and arrays
 * by value, numbers to 1e-9 relative.
 */
export async function expectGolden(database: TestDatabase, folder: string, table: string): Promise<void> {
  const text = await readFile(new URL(`../fixtures/golden/${folder}/${table}.csv`, import.meta.url), 'utf8');
  const golden = parse<Record<string, string>>(text, { columns: true });
  const first = golden[0];
  if (first === undefined) throw new Error(`${table}: the golden file has no rows`);
  const columns = Object.keys(first);
  const actual = await inTenantTransaction(database.pool, database.schema, async (client) => {
    const list = columns.map((column) => `coalesce("${column}"::text, '') as "${column}"`).join(', ');
    return (await client.query<Record<string, string>>(`select ${list} from ${table}`)).rows;
  });
  const compared = columns.filter(
    (column) =>
      !surrogate.has(column) &&
      !isTime.test(column) &&
      unitedHere[table]?.has(column) !== true &&
      !(column === 'cluster_id' && clusterIsSurrogate.has(table)),
  );
  const expected = golden.map((row) => normalise(row, compared)).sort(byKey);
  const found = actual.map((row) => normalise(row, compared)).sort(byKey);
  expect(
    found.map((row) => row.key),
    `${table}: rows besides numbers`,
  ).toEqual(expected.map((row) => row.key));
  for (const [index, row] of expected.entries())
    for (const [column, value] of row.numbers)
      expectClose(found[index]?.numbers.get(column) ?? null, value, `${table}.${column} of ${row.key}`);
}

function normalise(row: Record<string, string>, columns: readonly string[]): Row {
  const key: [string, unknown][] = [];
  const numbers = new Map<string, number | null>();
  for (const column of columns) {
    const text = row[column] ?? '';
    if (isNumeric.test(column) && (text === '' || numberForm.test(text)))
      numbers.set(column, text === '' ? null : Number(text));
    else key.push([column, comparable(text)]);
  }
  return { key: JSON.stringify(key), numbers };
}

/** jsonb with sorted keys, arrays as sorted lists, booleans as psql writes them, other text as it is. */
function comparable(text: string): unknown {
  if (text === 'true' || text === 'false') return text.slice(0, 1);
  if (!text.startsWith('{')) return text;
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  } catch {
    return text.slice(1, -1).split(',').sort();
  }
}

/** Rows with equal keys are told apart by their numbers, so that equal multisets come in equal order. */
function byKey(a: Row, b: Row): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  for (const [column, value] of a.numbers) {
    const difference = (value ?? 0) - (b.numbers.get(column) ?? 0);
    if (Math.abs(difference) > 1e-9 * Math.abs(value ?? 0)) return difference;
  }
  return 0;
}

function expectClose(found: number | null, expected: number | null, what: string): void {
  if (found === null || expected === null) {
    expect(found, what).toBe(expected);
    return;
  }
  const tolerance = Math.max(1e-9 * Math.abs(expected), 1e-12);
  if (Math.abs(found - expected) > tolerance) expect(found, what).toBe(expected);
}

/** Keys that are enabled in the golden data. */
export async function goldenEnabledKeys(folder: string): Promise<string[]> {
  const url = new URL(`../fixtures/golden/${folder}/reporting_enabledtagkeys.csv`, import.meta.url);
  const rows = parse<{ key: string; enabled: string }>(await readFile(url, 'utf8'), { columns: true });
  return rows.filter((row) => row.enabled === 't').map((row) => row.key);
}
