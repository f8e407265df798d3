import { daysBefore, monthBefore } from './days.ts';
import { shareNames } from './lines.ts';
import type { View } from './view.ts';

const scopes: Readonly<Record<string, { units: 'day' | 'month'; value: number }>> = {
  'this-month': { units: 'month', value: -1 },
  'last-month': { units: 'month', value: -2 },
  'month-before': { units: 'month', value: -3 },
  '10-days': { units: 'day', value: -10 },
  '30-days': { units: 'day', value: -30 },
  '90-days': { units: 'day', value: -90 },
};

const costsPath = 'reports/openshift/costs/';

/** Does the view have a period before, with which it can be compared? */
export function isComparable(view: View): boolean {
  return view.period !== 'dates';
}

/** Is the view a whole month, or what has passed of it? Virtual machines are reported by month. */
export function isMonth(view: View): boolean {
  return scopes[view.period]?.units === 'month';
}

type Parameters = Readonly<Record<string, string>>;

/** Parameters of the days; a list of months for day ranges needs the value alone (API §2). */
function timeOf(view: View, resolution: 'daily' | 'monthly'): Parameters {
  const scope = scopes[view.period];
  if (scope === undefined)
    return { start_date: view.start ?? '', end_date: view.end ?? '', 'filter[resolution]': resolution };
  const units: Parameters =
    scope.units === 'day' && resolution === 'monthly' ? {} : { 'filter[time_scope_units]': scope.units };
  return { ...units, 'filter[time_scope_value]': String(scope.value), 'filter[resolution]': resolution };
}

function path(report: string, ...parameters: Parameters[]): string {
  const query = new URLSearchParams(Object.assign({}, ...parameters) as Record<string, string>).toString();
  // Brackets are easier to read in a log as they are.
  return `${report}?${query.replaceAll('%5B', '[').replaceAll('%5D', ']').replaceAll('%3A', ':')}`;
}

function scopeOf(view: View): Parameters {
  return {
    ...(view.cluster === undefined ? {} : { 'filter[exact:cluster]': view.cluster }),
    ...(view.currency === undefined ? {} : { currency: view.currency }),
  };
}

/** The calls of a view, each below the API's address; blocks that name the same call share its answer. */
export function callsOf(view: View) {
  const own = scopeOf(view);
  const measure = view.distributed ? 'distributed_cost' : 'cost';
  const months = timeOf(view, 'monthly');
  const all: Parameters = { limit: '0' };
  const by = (field: string): Parameters => ({ [`group_by[${field}]`]: '*' });
  return {
    costByDay: path(costsPath, timeOf(view, 'daily'), own, by('project'), all, {
      'filter[limit]': '5',
      [`order_by[${measure}]`]: 'desc',
    }),
    projects: path(costsPath, months, own, by('project'), all, isComparable(view) ? { delta: measure } : {}),
    compute: path('reports/openshift/compute/', months, own, by('project'), all),
    memory: path('reports/openshift/memory/', months, own, by('project'), all),
    status: 'status/',
    labelKeys: path('tags/openshift/', keyTime(view), { key_only: 'true', limit: '1000' }),
    label: (key: string) => path(costsPath, months, own, by(`tag:${key}`), all),
    // Nodes of one name in two clusters are two nodes.
    nodeCosts: path(costsPath, months, own, by('cluster'), by('node'), all),
    nodeCompute: path('reports/openshift/compute/', months, own, by('cluster'), by('node'), all),
    nodeMemory: path('reports/openshift/memory/', months, own, by('cluster'), by('node'), all),
    nodeUnallocated: path(costsPath, months, own, by('cluster'), by('node'), all, {
      'filter[exact:project]': shareNames.worker_unallocated_distributed,
    }),
    vms: path(
      'reports/openshift/resources/virtual-machines/',
      isMonth(view) ? months : { 'filter[time_scope_value]': '-1' },
      own,
      all,
    ),
    gpu: path('reports/openshift/gpu/', months, own, by('cluster'), by('project'), all),
    volumes: path('reports/openshift/volumes/', months, own, by('project'), all),
    project: (project: string) => ({
      clusters: path(costsPath, months, own, by('cluster'), by('project'), all, {
        'filter[exact:project]': project,
      }),
      nodes: path(costsPath, months, own, by('project'), by('node'), all, {
        'filter[exact:project]': project,
      }),
      volumes: path(
        'reports/openshift/volumes/',
        months,
        own,
        by('cluster'),
        by('persistentvolumeclaim'),
        all,
        {
          'filter[exact:project]': project,
        },
      ),
      // Machines are reported by month, so other ranges cannot be split by them.
      vms: isMonth(view)
        ? path('reports/openshift/resources/virtual-machines/', months, own, all, {
            'filter[exact:project]': project,
          })
        : undefined,
    }),
  };
}
export type Calls = ReturnType<typeof callsOf>;

/** Label keys of days chosen by hand have no resolution. */
function keyTime(view: View): Parameters {
  const scope = scopes[view.period];
  return scope === undefined
    ? { start_date: view.start ?? '', end_date: view.end ?? '' }
    : { 'filter[time_scope_units]': scope.units, 'filter[time_scope_value]': String(scope.value) };
}

/** The same call of one cluster. @param cluster as a filter names it */
export function inCluster(call: string, cluster: string): string {
  const [report = '', query = ''] = call.split('?');
  const others = query.split('&').filter((part) => !part.startsWith('filter[exact:cluster]='));
  return `${report}?${[...others, `filter[exact:cluster]=${encodeURIComponent(cluster)}`].join('&')}`;
}

/**
 * The same report for a CSV: all groups instead of the largest, apart by cluster. Compute and memory have no scores
 * with two groups (API §4.4) and machines have no groups, so they are asked for one cluster at a time.
 */
export function csvOf(call: string): { call: string; isPerCluster: boolean } {
  const [report = '', query = ''] = call.split('?');
  const isPerCluster = /\/(compute|memory|virtual-machines)\/$/.test(report);
  const parts = query
    .split('&')
    .filter((part) => !/^(filter\[limit\]|order_by|group_by\[cluster\])/.test(part));
  return {
    call: `${report}?${[...(isPerCluster ? [] : ['group_by[cluster]=*']), ...parts].join('&')}`,
    isPerCluster,
  };
}

/**
 * Costs by project of the days that a change is against (API §6.6): the same days of the month before, or as many days.
 * @param days of the answer
 * @param kept first day that is kept, which an answer may begin with: of those before there are no costs any more
 */
export function projectsBefore(
  view: View,
  days: readonly string[],
  kept: string | undefined,
): string | undefined {
  const [first, last] = [days[0], days.at(-1)];
  if (!isComparable(view) || first === undefined || last === undefined) return undefined;
  const [start, end] = isMonth(view)
    ? [monthBefore(first), monthBefore(last)]
    : [daysBefore(first, days.length), daysBefore(last, days.length)];
  const from = kept !== undefined && kept > start && kept <= end ? kept : start;
  return path(
    costsPath,
    { start_date: from, end_date: end, 'filter[resolution]': 'monthly' },
    scopeOf(view),
    { 'group_by[project]': '*', limit: '0' },
  );
}

/**
 * Daily costs of the period before, for the line to compare with. The month before is asked for as such; for other
 * ranges the days are counted back from those of the answer.
 */
export function costBefore(view: View, days: readonly string[]): string | undefined {
  const own = scopeOf(view);
  const all: Parameters = { limit: '0', 'filter[resolution]': 'daily' };
  if (view.period === 'this-month' || view.period === 'last-month') {
    const value = view.period === 'this-month' ? '-2' : '-3';
    return path(
      costsPath,
      { 'filter[time_scope_units]': 'month', 'filter[time_scope_value]': value },
      own,
      all,
    );
  }
  const first = days[0];
  if (!isComparable(view) || isMonth(view) || first === undefined) return undefined;
  const [start, end] = [daysBefore(first, days.length), daysBefore(first, 1)];
  return path(costsPath, { start_date: start, end_date: end }, own, all);
}
