import { rowsOf } from '../answers.ts';
import type { NamedRow, Report } from '../answers.ts';
import { inCluster } from '../calls.ts';
import { chosenClusters, clustersOf, clusterValue } from '../model.ts';
import { useCall, useCalls, usePage } from './context.ts';
import type { Call } from './context.ts';

/**
 * Rows of a report that has no groups by cluster: those of machines, and those that have two other groups. What has one
 * name in several clusters is one row there (API §4.5), so only then the clusters that have it are asked one by one.
 */
export function useApart(path: string | undefined): Call<NamedRow[]> {
  const { status } = usePage();
  const whole = useCall<Report>(path);
  const rows = whole.answer?.data.flatMap(rowsOf);
  const shared = (rows ?? []).filter(({ row }) => (row.source_uuid ?? []).length > 1);
  const sources = new Set(shared.flatMap(({ row }) => row.source_uuid ?? []));
  const clusters = clustersOf(status).filter(({ source_uuid: source }) => sources.has(source));
  // A cluster that is not known cannot be asked, and leaving it out would lose its amounts.
  const values =
    clusters.length < sources.size ? [] : clusters.map((cluster) => clusterValue(cluster, status));
  const each = useCalls<Report>(
    path === undefined ? [] : [...new Set(values)].map((value) => inCluster(path, value)),
  );
  if (rows === undefined || values.length === 0) return { ...whole, answer: rows };
  if (each.answer === undefined) return { ...each, answer: undefined };
  const groups = new Set(shared.map(groupOf));
  const apart = each.answer
    .flatMap(({ data }) => data.flatMap(rowsOf))
    .filter((row) => groups.has(groupOf(row)));
  const all = [...rows.filter((row) => !groups.has(groupOf(row))), ...apart];
  return { ...each, answer: all.sort((a, b) => costOf(b) - costOf(a)) };
}

function groupOf({ names, row }: NamedRow): string {
  return JSON.stringify([row.date, ...names]);
}

function costOf({ row }: NamedRow): number {
  return row.cost?.total.value ?? 0;
}

/** Is what is shown of several clusters, so that rows must name theirs? */
export function useHasSeveral(): boolean {
  const { status, view } = usePage();
  return chosenClusters(status, view).length > 1;
}
