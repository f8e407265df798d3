import type { Pool } from 'pg';
import { atEnd } from '../support/at-end.ts';
import { openPool } from '../../platform/database/database.ts';

/** A node of a plan, of `explain (format json)`. */
interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Cond'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** How a statement read a table: one entry per node of a plan that did. */
export interface TableRead {
  table: string;
  /** for example Seq Scan, Index Scan, Bitmap Heap Scan */
  node: string;
  /** condition that an index answered; empty when none did */
  indexCondition: string;
  /** rows looked at, those that a filter threw away included */
  rowsRead: number;
}

/** A pool whose statements say how they were executed. */
export interface ExplainingPool {
  pool: Pool;
  /** reads of all statements since the last call, those inside functions included */
  takeReads(): TableRead[];
}

const settings = [
  'session_preload_libraries=auto_explain',
  'auto_explain.log_min_duration=0',
  'auto_explain.log_analyze=on',
  'auto_explain.log_timing=off',
  'auto_explain.log_format=json',
  'auto_explain.log_nested_statements=on',
  // Functions that create temporary tables silence notices.
  'auto_explain.log_level=warning',
];

/** Open it; it ends with the file's tests. Needs a superuser, as the test server's user is. */
export function explainingPool(databaseUrl: string): ExplainingPool {
  const url = new URL(databaseUrl);
  url.searchParams.set('options', settings.map((setting) => `-c ${setting}`).join(' '));
  const pool = openPool({ url: url.toString(), size: 2, applicationName: 'test plans' });
  atEnd(() => pool.end());
  let plans: PlanNode[] = [];
  pool.on('connect', (client) => {
    client.on('notice', ({ message }) => {
      const json = /^duration: .* plan:\s*(\{[\s\S]*\})\s*$/.exec(message ?? '')?.[1];
      if (json !== undefined) plans.push((JSON.parse(json) as { Plan: PlanNode }).Plan);
    });
  });
  return {
    pool,
    takeReads: () => {
      if (plans.length === 0) throw new Error('no plan was reported: is auto_explain installed?');
      const reads = plans.flatMap((plan) => tableReads(plan));
      plans = [];
      return reads;
    },
  };
}

/** A part of a plan that was never executed read nothing. */
function tableReads(node: PlanNode): TableRead[] {
  const loops = node['Actual Loops'] ?? 1;
  if (loops === 0) return [];
  const below = (node.Plans ?? []).flatMap((child) => tableReads(child));
  const table = node['Relation Name'];
  if (table === undefined || node['Node Type'] === 'ModifyTable') return below;
  const indexCondition = [node, ...(node.Plans ?? [])]
    .flatMap((part) => part['Index Cond'] ?? [])
    .join(' and ');
  const rowsRead = loops * ((node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0));
  return [{ table, node: node['Node Type'], indexCondition, rowsRead }, ...below];
}

/** A read as a line, for messages of failed expectations. */
export function describeRead({ table, node, indexCondition, rowsRead }: TableRead): string {
  return `${node} of ${table} ${indexCondition === '' ? 'without index' : `by ${indexCondition}`}: ${rowsRead} rows`;
}
