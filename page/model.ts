import type { ClusterStatus, Report, Status } from './answers.ts';
import { daysBetween, lastOfMonth } from './days.ts';
import { decimalOf, numberOf, plus, zero } from './decimal.ts';
import type { Decimal } from './decimal.ts';
import type { View } from './view.ts';

/** Clusters of the status; an organisation that has sent nothing has none. */
export function clustersOf(status: Status | undefined): ClusterStatus[] {
  return status === undefined || Array.isArray(status.data) ? [] : status.data.clusters;
}

/** How a cluster is called: its alias, and its id where two have one alias. */
export function clusterName(cluster: ClusterStatus, all: readonly ClusterStatus[]): string {
  const alias = cluster.cluster_alias ?? cluster.cluster ?? cluster.source_uuid;
  const same = all.filter(({ cluster_alias: other }) => other === cluster.cluster_alias).length > 1;
  return same ? `${alias} (${cluster.cluster ?? cluster.source_uuid})` : alias;
}

/** What a filter calls a cluster: as the access list does, where there is one. */
export function clusterValue(cluster: ClusterStatus, status: Status | undefined): string {
  const list = status?.meta.access?.cluster;
  const id = cluster.cluster ?? '';
  if (list === undefined || list.includes(id)) return id;
  return cluster.cluster_alias ?? id;
}

/** Clusters that a view is about. */
export function chosenClusters(status: Status | undefined, view: View): ClusterStatus[] {
  return clustersOf(status).filter(
    ({ cluster, cluster_alias: alias }) =>
      view.cluster === undefined || cluster === view.cluster || alias === view.cluster,
  );
}

/** Clusters of sources, as they are called, to tell rows of one name apart. */
export function clusterNames(sources: readonly string[], status: Status | undefined): string {
  const all = clustersOf(status);
  return all
    .filter(({ source_uuid: source }) => sources.includes(source))
    .map((cluster) => clusterName(cluster, all))
    .join(', ');
}

/** The last day that any of the clusters has. */
export function lastDayOf(clusters: readonly ClusterStatus[]): string | undefined {
  return clusters
    .flatMap(({ last_day: day }) => day ?? [])
    .sort()
    .at(-1);
}

/** Hours after the end of its last day from which a cluster counts as stale. */
const staleHours = 36;

/** Clusters whose last day ended too long ago, with their age in hours. */
export function staleClusters(status: Status | undefined): { cluster: ClusterStatus; hours: number }[] {
  const today = status?.meta.today;
  if (today === undefined) return [];
  return clustersOf(status).flatMap((cluster) => {
    if (cluster.last_day === null) return [];
    // From the end of the last day. The hour is the browser's, which may be at another day than the server.
    const now = new Date().toISOString();
    const hour = now.slice(0, 10) === today ? Number(now.slice(11, 13)) : 0;
    const hours = (daysBetween(cluster.last_day, today) - 1) * 24 + hour;
    return hours > staleHours ? [{ cluster, hours }] : [];
  });
}

/** Days that are not complete: today, and those with less than 24 hours in one of the clusters. */
export function partialDays(status: Status | undefined, view: View): Set<string> {
  const short = chosenClusters(status, view).flatMap(({ days }) =>
    days.filter(({ hours }) => hours < 24).map(({ date }) => date),
  );
  return new Set([...short, ...(status?.meta.today === undefined ? [] : [status.meta.today])]);
}

/** A currency of cost models that no rate to the shown one is known of, with its clusters. */
export function unconverted(status: Status | undefined, view: View, shown: string): Map<string, string[]> {
  const convertible = status?.meta.currencies?.convertible ?? {};
  const found = new Map<string, string[]>();
  const all = clustersOf(status);
  for (const cluster of chosenClusters(status, view)) {
    const from = cluster.cost_model?.currency;
    if (from === undefined || from === shown || convertible[from]?.includes(shown) === true) continue;
    found.set(from, [...(found.get(from) ?? []), clusterName(cluster, all)]);
  }
  return found;
}

/** Full days that a projection is made of. */
const projectionDays = 7;

/** What a month will have cost: to date, and the mean of its last full days for each day that is left. */
export function projection(
  days: readonly { date: string; value: Decimal | null }[],
  partial: ReadonlySet<string>,
): { value: number; mean: number; left: number; full: number } | undefined {
  const counted = days.flatMap(({ date, value }) => (value === null ? [] : [{ date, value }]));
  const last = counted.at(-1)?.date;
  const full = counted.filter(({ date }) => !partial.has(date)).slice(-projectionDays);
  if (last === undefined || full.length === 0) return undefined;
  const toDate = counted.reduce((sum, { value }) => plus(sum, value), zero);
  const mean = numberOf(full.reduce((sum, { value }) => plus(sum, value), zero)) / full.length;
  const left = daysBetween(last, lastOfMonth(last));
  return { value: numberOf(toDate) + mean * left, mean, left, full: full.length };
}

/** Whether costs say anything: without a cost model, or with rates of 0, every amount is 0. */
export function hasCosts(report: Report): boolean {
  const cost = report.meta.total?.cost;
  if (cost === undefined) return false;
  return [cost.total, cost.raw, cost.markup, cost.usage].some(
    ({ value }) => numberOf(decimalOf(value)) !== 0,
  );
}

/** Access lists that hide projects or nodes of the clusters that are shown. */
export function hidesOthers(status: Status | undefined): boolean {
  const access = status?.meta.access ?? {};
  return access.project !== undefined || access.node !== undefined;
}
