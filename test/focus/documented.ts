import { readFile } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { sumOf } from './checks.ts';
import type { Row } from './exported.ts';

const page = readFile(new URL('../../docs/focus.md', import.meta.url), 'utf8');

/** A statement of docs/focus.md for DuckDB, and the rows that the page shows under it, the header first. */
export interface DocumentedStatement {
  statement: string;
  shown: string[][];
}

/** The statements behind the prompt `D`, in order. */
export async function documentedStatements(): Promise<DocumentedStatement[]> {
  const [, session = ''] = /```\n(D [^]*?)```/.exec(await page) ?? [];
  return session
    .split(/^D /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf(';');
      const shown = part
        .slice(end)
        .split('\n')
        .filter((line) => line.startsWith('│'))
        .map((line) => line.split('│').slice(1, -1))
        .map((cells) => cells.map((cell) => cell.trim()));
      return { statement: part.slice(0, end), shown };
    });
}

/** What DuckDB answers to each statement, as text, the names of the columns first; a statement may make a view. */
export async function duckDbAnswers(statements: readonly string[]): Promise<string[][][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const answers: string[][][] = [];
    for (const statement of statements) {
      const reader = await connection.runAndReadAll(statement);
      const rows = reader.getRows().map((row) => row.map((value) => String(value)));
      answers.push(rows.length === 0 ? [] : [reader.columnNames(), ...rows]);
    }
    return answers;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A formula of docs/focus.md for spreadsheets, the columns that the page says it is about, and the result it shows. */
export interface DocumentedFormula {
  formula: string;
  columns: string[];
  shown: string;
}

/** The formulas of the page's table. */
export async function documentedFormulas(): Promise<DocumentedFormula[]> {
  return [...(await page).matchAll(/^\| [^|]+ \| `(=SUMIFS\([^|]+\))` \(([^|]+)\) \| ([\d.]+) \|$/gm)].map(
    ([, formula = '', columns = '', shown = '']) => ({
      formula,
      columns: [...columns.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
      shown,
    }),
  );
}

/**
 * `=SUMIFS(A:A; B:B; "x"; C:C; "y")` over a sheet, as LibreOffice and Excel define it, exactly: the sum of A where B is
 * x and C is y. And the names in the heads of the columns that it reads.
 */
export function sumIfs(
  formula: string,
  head: readonly string[],
  rows: readonly Row[],
): { sum: string; columns: string[] } {
  const [summed = '', ...conditions] = formula.slice('=SUMIFS('.length, -1).split('; ');
  const nameOf = (range: string) => head[columnNumber(/^([A-Z]+):\1$/.exec(range)?.[1] ?? '') - 1] ?? range;
  const pairs = conditions.flatMap((range, index) =>
    index % 2 === 0
      ? [{ name: nameOf(range), value: JSON.parse(conditions[index + 1] ?? 'null') as string }]
      : [],
  );
  const matching = rows.filter((row) => pairs.every(({ name, value }) => row[name] === value));
  return {
    sum: sumOf(matching, nameOf(summed)),
    columns: [nameOf(summed), ...pairs.map(({ name }) => name)],
  };
}

/** A is 1, Z 26, AA 27. */
function columnNumber(letters: string): number {
  return Array.from(letters).reduce((number, letter) => number * 26 + letter.charCodeAt(0) - 64, 0);
}
