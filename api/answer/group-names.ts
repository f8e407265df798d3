import type { Group, ReportRequest } from '../request/report-request.ts';
import { nestingOf } from '../sql/groups.ts';

/** Fields of rows, in JSON and in CSV, and of the nesting: a label key may have the same name. */
const fields = new Set([
  ...['date', 'value', 'values', 'clusters', 'source_uuid', 'delta_value', 'delta_percent'],
  ...['cost', 'infrastructure', 'supplementary', 'usage', 'request', 'limit', 'capacity', 'score'],
  ...['data_transfer_in', 'data_transfer_out', 'persistent_volume_claim', 'storage_class'],
  ...['classification', 'cost_group', 'default_project'],
  ...['base_currency', 'exchange_rate', 'cost_units', 'usage_units'],
  ...['request_unused', 'request_unused_percent', 'capacity_unused', 'capacity_unused_percent'],
]);
/** Columns of CSV: amounts, and elements of lists and objects. */
const columnForms = [
  /^(cost|infra|sup)_(raw|markup|usage|total)$|^cost_\w+_distributed$/,
  /^score\.|^(clusters|source_uuid|persistent_volume_claim|storage_class)\.\d+$/,
];

/**
 * The names of an answer's groups, in nests, rows and CSV: a label's is its key; `tag:KEY` where that is the name of
 * something else, so that no label takes the place of an amount.
 */
export function groupNames(request: ReportRequest): string[] {
  const nesting = nestingOf(request);
  return nesting.map((group, index) => {
    if (group.tag === undefined) return group.field;
    const isTaken =
      isField(group.tag) || nesting.some((other, place) => place !== index && clash(group.tag, other));
    return isTaken ? `tag:${group.tag}` : group.tag;
  });
}

function isField(key: string): boolean {
  return fields.has(key) || key.startsWith('tag:') || columnForms.some((form) => form.test(key));
}

/** Is it the name of the other group, or of its list? */
function clash(key: string, { field, tag }: Group): boolean {
  return key === field || key === `${field ?? tag}s` || `${key}s` === field;
}
