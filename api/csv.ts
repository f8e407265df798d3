/** A flat row: names of columns and what is in them. */
export type CsvRow = Readonly<Record<string, unknown>>;

const numberForm = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;
/** Rows of a piece of text: large enough for few pieces, small beside the rows themselves. */
const rowsPerPiece = 500;

/**
 * Rows as CSV, piece by piece, so that a long answer is never a second time in memory: the header has every column of
 * any row, sorted by name; NULL and absent values are empty.
 *
 * @param blank a row with every column, for the header if there are no rows
 */
export function* csvPieces(rows: readonly CsvRow[], blank: CsvRow): Generator<string> {
  const names = new Set<string>();
  for (const row of rows.length === 0 ? [blank] : rows)
    for (const [name] of flattened(row, '')) names.add(name);
  const header = [...names].sort();
  yield line(header);
  for (let first = 0; first < rows.length; first += rowsPerPiece)
    yield rows
      .slice(first, first + rowsPerPiece)
      .map((row) => {
        const cells = new Map(flattened(row, ''));
        return line(header.map((name) => cells.get(name)));
      })
      .join('');
}

function line(cells: readonly unknown[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
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
