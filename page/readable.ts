import { rowsOf } from './answers.ts';
import type { Cost, Measure, Report, ReportElement, Row } from './answers.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The body of an answer in the form that blocks work with.
 * @param path of the call
 * @throws Error for what is no answer of the read API
 */
export function readable(path: string, body: unknown): unknown {
  const { meta, data } = fieldsOf(body, 'the answer');
  const metaFields = fieldsOf(meta, 'meta');
  if (path.startsWith('status/')) return checkStatus(body, data);
  if (path.startsWith('tags/')) {
    if (typeof metaFields['count'] !== 'number') throw unreadable('meta.count');
    listOf(data, 'data').forEach((key) => textOf(key, 'a label key'));
    return body;
  }
  const elements = listOf(data, 'data').map((element) => {
    textOf(fieldsOf(element, 'a day')['date'], 'its date');
    return element as ReportElement;
  });
  const key = labelOf(path);
  const report = { meta, data: elements } as Report;
  if (metaFields['total'] !== undefined) checkRow(metaFields['total']);
  if (key !== undefined) return { ...report, data: elements.map((element) => byLabel(element, key)) };
  for (const element of elements)
    for (const { names, row } of rowsOf(element)) {
      names.forEach((name) => textOf(name, 'the name of a group'));
      checkRow(row);
    }
  return report;
}

function unreadable(what: string): Error {
  return new Error(`${what} cannot be read`);
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable(what);
  return value as Fields;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable(what);
  return value as unknown[];
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw unreadable(what);
  return value;
}

/** A list of clusters, or nothing for an organisation that is not known. */
function checkStatus(body: unknown, data: unknown): unknown {
  if (Array.isArray(data) && data.length === 0) return body;
  const { clusters, failed_payloads: failed } = fieldsOf(data, 'data');
  for (const cluster of listOf(clusters, 'clusters')) {
    const { source_uuid: source, days } = fieldsOf(cluster, 'a cluster');
    textOf(source, 'the id of a source');
    listOf(days, 'the days of a cluster').forEach((day) => fieldsOf(day, 'a day'));
  }
  listOf(failed, 'failed payloads').forEach((payload) => fieldsOf(payload, 'a failed payload'));
  return body;
}

const amounts = ['usage', 'request', 'limit', 'capacity', 'gpu_count', 'gpu_memory'];
const costs = ['cost', 'infrastructure', 'supplementary'];

/** A row, or the total: amounts are numbers wherever there are some. */
function checkRow(row: unknown): void {
  const fields = fieldsOf(row, 'a row');
  for (const name of amounts) if (fields[name] != null) checkAmount(fields[name], name);
  for (const name of costs)
    if (fields[name] != null) {
      const cost = fieldsOf(fields[name], name);
      checkAmount(cost['total'] ?? {}, name);
      for (const part of Object.values(cost)) checkAmount(part, name);
    }
  if (fields['source_uuid'] != null) listOf(fields['source_uuid'], 'sources');
  const change = fields['delta_value'];
  if (change !== undefined && !Number.isFinite(change)) throw unreadable('a change');
}

/** A virtual machine's request is one of CPU and one of memory, and no number of its own. */
function checkAmount(amount: unknown, what: string): void {
  const { value } = fieldsOf(amount, what);
  if (value !== undefined && !Number.isFinite(value)) throw unreadable(what);
}

/** The label key that a report is grouped by. */
function labelOf(path: string): string | undefined {
  const group = [...new URLSearchParams(path.split('?')[1] ?? '').keys()].find((name) =>
    name.startsWith('group_by[tag:'),
  );
  return group?.slice('group_by[tag:'.length, -1);
}

/**
 * Costs by the values of a label. Keys are free: one that is called like a field of a row, or like the list of rows,
 * stands in its place, or is called `tag:KEY`.
 */
function byLabel(element: ReportElement, key: string): ReportElement {
  const { date } = element;
  const list = listOf(element[`tag:${key}s`] ?? element[`${key}s`], `the values of ${key}`);
  const labels = list.map((group) => {
    const fields = fieldsOf(group, 'a value');
    const rows = listOf(fields['values'], 'its rows').map((row) => fieldsOf(row, 'a row'));
    const names = [fields[`tag:${key}`], fields[key], rows[0]?.[key]];
    const name = textOf(
      names.find((each) => typeof each === 'string'),
      'a value',
    );
    return { name, values: rows.map((row) => ({ date, cost: costOf(row) }) satisfies Row) };
  });
  return { date, labels };
}

/** The cost of a row; of one that has a label in its place, what it is the sum of (API §4.1). */
function costOf(row: Fields): Cost {
  if (typeof row['cost'] === 'object') {
    checkRow({ cost: row['cost'] });
    return row['cost'] as Cost;
  }
  const [own, more] = ['infrastructure', 'supplementary'].map((name) => {
    checkRow({ [name]: fieldsOf(row[name], name) });
    return row[name] as Omit<Cost, 'distributed'>;
  }) as [Cost, Cost];
  const sum = (part: 'raw' | 'markup' | 'usage' | 'total'): Measure => ({
    value: own[part].value + more[part].value,
    units: own[part].units,
  });
  return { raw: sum('raw'), markup: sum('markup'), usage: sum('usage'), total: sum('total') };
}
