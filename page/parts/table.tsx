import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A column of a table. */
export interface Column<T> {
  name: string;
  /** numbers are set to the right */
  numeric?: boolean;
  cell: (row: T) => ComponentChildren;
  /** in the line of sums, which is there if any column has one */
  sum?: ComponentChildren;
  /** left out on narrow screens, because another column or the details have it */
  wide?: boolean;
}

interface TableProps<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** what is shown below a row once it is opened */
  details?: (row: T) => ComponentChildren;
  /** rows that are shown at first */
  shown?: number;
}

/** A table with a heading per row, an optional line of sums and rows that open. */
export function Table<T>({ caption, columns, rows, keyOf, details, shown = 12 }: TableProps<T>) {
  const [all, setAll] = useState(false);
  const printing = usePrinting();
  const visible = all || printing ? rows : rows.slice(0, shown);
  const [first, ...others] = columns;
  const hasSums = columns.some(({ sum }) => sum !== undefined);
  return (
    <>
      <div class="table-area" role="region" aria-label={`Table: ${caption}`} tabIndex={0}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col" class={classOf(column)}>
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {visible.map((row) => (
              <Line
                key={keyOf(row)}
                {...{ row, first, others, details }}
                count={columns.length}
                name={keyOf(row)}
              />
            ))}
          </tbody>
          {hasSums && (
            <tfoot>
              <tr>
                <th scope="row">{first?.sum ?? 'Total'}</th>
                {others.map((column) => (
                  <td key={column.name} class={classOf(column)}>
                    {column.sum}
                  </td>
                ))}
              </tr>
            </tfoot>
          )}
        </table>
      </div>
      {rows.length > shown && (
        <button type="button" class="quiet more" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? `Show the first ${shown}` : `Show all ${rows.length}`}
        </button>
      )}
    </>
  );
}

/** On paper nothing can be opened, so a table is whole there. */
function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const start = () => setPrinting(true);
    const end = () => setPrinting(false);
    window.addEventListener('beforeprint', start);
    window.addEventListener('afterprint', end);
    return () => {
      window.removeEventListener('beforeprint', start);
      window.removeEventListener('afterprint', end);
    };
  }, []);
  return printing;
}

function classOf({ numeric, wide }: Column<never>): string {
  return [numeric === true ? 'number' : '', wide === true ? 'wide' : ''].filter(Boolean).join(' ');
}

interface LineProps<T> {
  row: T;
  name: string;
  count: number;
  first: Column<T> | undefined;
  others: readonly Column<T>[];
  details: ((row: T) => ComponentChildren) | undefined;
}

function Line<T>({ row, name, count, first, others, details }: LineProps<T>) {
  const [open, setOpen] = useState(false);
  const heading = first?.cell(row);
  return (
    <>
      <tr>
        <th scope="row">
          {details === undefined ? (
            heading
          ) : (
            <button type="button" class="opener" aria-expanded={open} onClick={() => setOpen(!open)}>
              {heading}
            </button>
          )}
        </th>
        {others.map((column) => (
          <td key={column.name} class={classOf(column)}>
            {column.cell(row)}
          </td>
        ))}
      </tr>
      {open && details !== undefined && (
        <tr class="details">
          <td colSpan={count}>
            <div aria-label={`Details of ${name}`}>{details(row)}</div>
          </td>
        </tr>
      )}
    </>
  );
}

/** The numbers of a chart, as a table that opens below it. */
export function ChartTable(
  props: Omit<TableProps<readonly string[]>, 'columns' | 'keyOf' | 'details'> & {
    names: readonly string[];
    cell?: (row: readonly string[], column: number) => ComponentChildren;
  },
) {
  const { names, cell, ...rest } = props;
  return (
    <details class="chart-table">
      <summary>Table: {rest.caption}</summary>
      <Table
        {...rest}
        shown={rest.shown ?? 1_000}
        keyOf={(row: readonly string[]) => row[0] ?? ''}
        columns={names.map((name, index) => ({
          name,
          numeric: index > 0,
          cell: (row: readonly string[]) => cell?.(row, index) ?? row[index] ?? '',
        }))}
      />
    </details>
  );
}
