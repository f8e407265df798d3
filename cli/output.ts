import Table from 'cli-table3';

/** Where a command writes: results to standard output, progress to standard error. */
export interface Output {
  /** print JSON instead of tables */
  json: boolean;
  /** standard error is a terminal: live lines and colours are allowed */
  terminal: boolean;
  /** one line of progress */
  say: (line: string) => void;
  /** the result: a table or lines for people, `value` as JSON for machines */
  result: (text: string, value: unknown) => void;
  /** the result as a text of its own, such as a document in the form that was asked for */
  text: (text: string) => void;
}

/** Standard streams of the process. */
export function standardOutput(options: { json: boolean }): Output {
  return {
    json: options.json,
    terminal: process.stderr.isTTY && !options.json,
    say: (line) => process.stderr.write(`${line}\n`),
    result: (text, value) =>
      process.stdout.write(options.json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`),
    text: (text) => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
  };
}

/** Columns separated by spaces, a rule below the header: readable in a log, and easy to parse. */
const plainChars = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

/** A table of texts; numbers are right-aligned. An empty table is one sentence. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  whenEmpty: string,
): string {
  if (rows.length === 0) return whenEmpty;
  const drawn = new Table({
    head: [...head],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: plainChars,
    colAligns: head.map((_, column) =>
      rows.every((row) => typeof row[column] === 'number') ? 'right' : 'left',
    ),
  });
  for (const row of rows)
    drawn.push(row.map((cell) => (typeof cell === 'number' ? formatNumber(cell) : cell)));
  return drawn.toString();
}

const wholeNumbers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const decimals = new Intl.NumberFormat('en', { maximumFractionDigits: 2, minimumFractionDigits: 2 });

/** 1234 → 1,234; 0.5 → 0.50. */
export function formatNumber(value: number, whole = Number.isInteger(value)): string {
  return whole ? wholeNumbers.format(value) : decimals.format(value);
}

/** Milliseconds for people: 850 ms, 2.4 s, 3 min 05 s. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${String(Math.floor((ms % 60_000) / 1_000)).padStart(2, '0')} s`;
}
