/**
 * The summary tables: partitioned by month of `usage_start`, filled by us, read by Koku's API (DOMAIN section 9).
 * Everything that is done with every table (partitions, purge, metrics, schema check, documentation) uses this list.
 *
 * What fills a table: `aggregation`: usage rows, from staging; `days`: rebuilt from the daily summary for the days that
 * changed; `month`: rebuilt for the whole month, because its rows span days; `costs`: filled with costs only. Tables
 * come after those that they are added up from: costs read pods, totals read nodes or projects.
 */
export const summaryTables = {
  reporting_ocpusagelineitem_daily_summary: 'aggregation',
  reporting_ocp_pod_summary_by_node_p: 'days',
  reporting_ocp_pod_summary_by_project_p: 'days',
  reporting_ocp_pod_summary_p: 'days',
  reporting_ocp_cost_summary_by_node_p: 'days',
  reporting_ocp_cost_summary_by_project_p: 'days',
  reporting_ocp_cost_summary_p: 'days',
  reporting_ocp_volume_summary_p: 'days',
  reporting_ocp_volume_summary_by_project_p: 'days',
  reporting_ocp_network_summary_p: 'days',
  reporting_ocp_network_summary_by_node_p: 'days',
  reporting_ocp_network_summary_by_project_p: 'days',
  reporting_ocp_gpu_summary_p: 'days',
  reporting_ocp_cost_breakdown_p: 'days',
  reporting_ocp_vm_summary_p: 'month',
  rates_to_usage: 'costs',
} as const satisfies Readonly<Record<string, 'aggregation' | 'days' | 'month' | 'costs'>>;

export type SummaryTable = keyof typeof summaryTables;

/** Every summary table. */
export const summaryTableNames = Object.keys(summaryTables) as readonly SummaryTable[];

/** The tables that one kind of step fills, in the order in which they are rebuilt. */
export function tablesFilledBy(filledBy: (typeof summaryTables)[SummaryTable]): readonly SummaryTable[] {
  return summaryTableNames.filter((table) => summaryTables[table] === filledBy);
}

/** The daily summary: all other tables are derived from it, and validation compares it with the daily relations. */
export const dailySummaryTable: SummaryTable = 'reporting_ocpusagelineitem_daily_summary';
