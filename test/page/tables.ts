import type { Locator } from 'playwright-core';

/** A cell as it is shown: the numbers that it holds, or its text where it holds none. */
export type Cell = number | readonly number[] | string | undefined;

/** Cells by the name of their column; what has neither numbers nor text is left out. */
export type Cells = Readonly<Record<string, Cell>>;

/** A table of the page. */
export interface ShownTable {
  /** the heading of each row, which is its first cell, with the others */
  rows: (readonly [heading: string, cells: Cells])[];
  /** the line of sums, without its heading; empty if there is none */
  sums: Cells;
}

interface RawCell {
  text: string;
  numbers: { value: number; text: string }[];
}
interface RawTable {
  heads: string[];
  rows: RawCell[][];
  foot: RawCell[];
}

/** What is used here of an element of the page; the tests have no types of browsers. */
export interface PageElement {
  textContent: string;
  className: string;
  value: string;
  cells: Iterable<PageElement>;
  rows: ArrayLike<PageElement> & Iterable<PageElement>;
  tHead: PageElement | null;
  tFoot: PageElement | null;
  tBodies: ArrayLike<PageElement>;
  querySelectorAll(selector: string): Iterable<PageElement>;
  cloneNode(deep: boolean): PageElement;
  remove(): void;
  click(): void;
}

/** Runs in the browser, so everything it needs is inside. */
function rawTable(table: PageElement): RawTable {
  const cellOf = (each: PageElement): RawCell => {
    const plain = each.cloneNode(true);
    for (const tag of plain.querySelectorAll('.tag')) tag.remove();
    const numbers = [...each.querySelectorAll('data')].map((data) => ({
      value: Number(data.value),
      text: data.textContent,
    }));
    return { text: plain.textContent.trim(), numbers };
  };
  const cellsOf = (row: PageElement | undefined) => [...(row?.cells ?? [])].map(cellOf);
  return {
    heads: [...(table.tHead?.rows[0]?.cells ?? [])].map((each) => each.textContent),
    rows: [...(table.tBodies[0]?.rows ?? [])].filter((row) => row.className !== 'details').map(cellsOf),
    foot: cellsOf(table.tFoot?.rows[0]),
  };
}

function rawNumbers(element: PageElement): RawCell['numbers'] {
  return [...element.querySelectorAll('data')].map((data) => ({
    value: Number(data.value),
    text: data.textContent,
  }));
}

/**
 * Read the table with a caption, all of its rows.
 * @throws Error where a number is shown as another one than it is, but for rounding
 */
export async function readTable(below: Locator, caption: string): Promise<ShownTable> {
  const table = below.locator(`caption:text-is("${caption}")`).locator('xpath=..');
  await table.waitFor({ state: 'attached' });
  const area = table.locator('xpath=ancestor::div[contains(@class, "table-area")][1]');
  const more = area.locator('xpath=following-sibling::button[1][@aria-expanded="false"]');
  if ((await more.count()) > 0) await more.evaluate((button: PageElement) => button.click());
  const { heads, rows, foot } = await table.evaluate(rawTable);
  for (const { numbers } of [...rows, foot].flat()) numbers.forEach(checkShown);
  const named = (cells: readonly RawCell[]): Cells =>
    Object.fromEntries(
      cells
        .slice(1)
        .map((cell, index) => [heads[index + 1] ?? '', valueOf(cell)] as const)
        .filter(([, value]) => value !== undefined),
    );
  return { rows: rows.map((cells) => [cells[0]?.text ?? '', named(cells)]), sums: named(foot) };
}

/** The numbers below an element, as {@link readTable} reads those of a cell. */
export async function readNumbers(element: Locator): Promise<number[]> {
  const found = await element.evaluate(rawNumbers);
  found.forEach(checkShown);
  return found.map(({ value }) => value);
}

function valueOf({ text, numbers }: RawCell): Cell {
  const [first] = numbers;
  if (first === undefined) return text === '' ? undefined : text;
  return numbers.length === 1 ? first.value : numbers.map(({ value }) => value);
}

/** Money is shown with two decimals, all else with one at most. */
function checkShown({ value, text }: { value: number; text: string }): void {
  const shown = Number(text.replaceAll(/[^\d.-]/g, ''));
  const isMoney = /[^\d\s.,+±%-]/.test(text);
  if (Math.abs(shown - value) > (isMoney ? 0.005_000_1 : 0.050_000_1))
    throw new Error(`${text} is shown for ${value}`);
}
