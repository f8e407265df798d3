/** A flat row: names of columns and what is in them. */
export type CsvRow = Readonly<Record<string, unknown>>;

const numberForm = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** Rows as CSV: the header has every column of any row, sorted by name; NULL and absent values are empty. */
export function csvOf(rows: readonly CsvRow[]): string {
  const flat = rows.map((row) => new Map(flattened(row, '')));
  const header = [...new Set(flat.flatMap((row) => [...row.keys()]))].sort();
  const lines = flat.map((row) => header.map((name) => cell(row.get(name))).join(','));
  return [header.map(cell).join(','), ...lines].map((line) => `${line}\r\n`).join('');
}

/** Lists become `name.0`, objects `name.key`. */
function flattened(value: unknown, name: string): [string, unknown][] {
  if (value === null || typeof value !== 'object') return [[name, value]];
  const prefix = name === '' ? '' : `${name}.`;
  return Object.entries(value).flatMap(([key, inner]) => flattened(inner, `${prefix}${key}`));
}

/** A spreadsheet must not take a text for a formula: those get an apostrophe in front. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) && !numberForm.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
