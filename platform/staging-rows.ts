import { cleanGpuModel, cleanGpuVendor, migFields } from '../domain/gpu.ts';
import { reportKindDefinition } from '../domain/report-kind.ts';
import type { ReportKind } from '../domain/report-kind.ts';
import { formatTimestamp, parseTimestamp } from '../domain/timestamp.ts';

/** What every staging row of a piece carries besides its CSV row. */
export interface PieceColumns {
  pieceId: number;
  sourceUuid: string;
  reportPeriodId: number;
}

/** Turns the rows of one piece into lines for `COPY … FROM STDIN` in text format. */
export interface StagingRowWriter {
  /** columns of the COPY, in the order of the lines */
  columns: string[];
  /** positions of the label columns in a CSV row */
  labelPositions: number[];
  /** one line, newline included */
  line(row: readonly string[], labelSetId: (text: string) => string | undefined): string;
}

type Cell = (row: readonly string[], labelSetId: (text: string) => string | undefined) => string;

const nullCell = '\\N';
const needsEscape = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Text as COPY's text format writes it. */
export function copyText(value: string): string {
  return needsEscape.test(value)
    ? value.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? character)
    : value;
}

/** Numbers that PostgreSQL reads exactly as JavaScript does. Others (exponents, long fractions) go through `Number`. */
const plainNumber = /^-?\d{1,18}(\.\d{1,18})?$/;

function numberCell(value: string): string {
  if (value === '') return nullCell;
  return plainNumber.test(value) ? value : String(Number(value));
}

/** Staging column of a label column: where a kind has two, each keeps its name. */
function labelColumn(kind: ReportKind, column: string): string {
  return kind === 'storage_usage' ? column.replace(/_labels$/, '_label_set_id') : 'label_set_id';
}

/**
 * Prepare the conversion of a daily CSV with this header.
 * A blank number is NULL; a blank text stays blank; a text column that the file lacks is NULL.
 */
export function stagingRowWriter(
  kind: ReportKind,
  header: readonly string[],
  piece: PieceColumns,
): StagingRowWriter {
  const { columns: known } = reportKindDefinition(kind);
  const position = new Map(header.map((name, index) => [name, index]));
  const cells: [string, Cell][] = [['interval_start', intervalCell(position.get('interval_start') ?? -1)]];
  const labelPositions: number[] = [];
  const gpuCells = kind === 'gpu_usage' ? gpuCellsOf(position) : undefined;
  for (const column of known) {
    if (column.type === 'timestamp' || gpuCells?.has(column.name) === true) continue;
    const index = position.get(column.name);
    if (index === undefined) cells.push([column.name, () => nullCell]);
    else if (column.type === 'number') cells.push([column.name, (row) => numberCell(row[index] ?? '')]);
    else if (column.type === 'text') cells.push([column.name, (row) => copyText(row[index] ?? '')]);
    else {
      labelPositions.push(index);
      cells.push([labelColumn(kind, column.name), labelCell(index)]);
    }
  }
  if (gpuCells !== undefined) cells.push(...gpuCells);
  const constant = `${piece.pieceId}\t${piece.sourceUuid}\t${piece.reportPeriodId}\n`;
  return {
    columns: [...cells.map(([name]) => name), 'piece_id', 'source_uuid', 'report_period_id'],
    labelPositions,
    line: (row, labelSetId) => {
      let line = '';
      for (const [, cell] of cells) line += cell(row, labelSetId) + '\t';
      return line + constant;
    },
  };
}

/** Distinct times remembered at most: rows that all start at different instants must not fill memory. */
const mostRemembered = 10_000;

/** Hours repeat on every row, so each text is converted once. */
function intervalCell(index: number): Cell {
  const converted = new Map<string, string>();
  return (row) => {
    const text = row[index] ?? '';
    let value = converted.get(text);
    if (value === undefined) {
      const parsed = parseTimestamp(text);
      if (parsed === undefined)
        throw new Error(`interval_start "${text}" in a daily CSV: expected a time that the split accepted`);
      value = formatTimestamp(parsed);
      if (converted.size < mostRemembered) converted.set(text, value);
    }
    return value;
  };
}

function labelCell(index: number): Cell {
  return (row, labelSetId) => {
    const id = labelSetId(row[index] ?? '');
    if (id === undefined)
      throw new Error('a label set has no id: it was not stored before the row was written');
    return id;
  };
}

/** Vendor and model are cleaned and the MIG columns derived while loading, so that no query has to know the rules. */
function gpuCellsOf(position: ReadonlyMap<string, number>): Map<string, Cell> {
  const at = (row: readonly string[], name: string) => row[position.get(name) ?? -1] ?? '';
  const model = (row: readonly string[]) => cleanGpuModel(at(row, 'gpu_model_name'));
  const mig = (row: readonly string[]) =>
    migFields(model(row), {
      migInstanceId: at(row, 'mig_instance_id'),
      migProfile: at(row, 'mig_profile'),
      migStrategy: at(row, 'mig_strategy'),
    });
  const orNull = (value: number | null) => (value === null ? nullCell : String(value));
  const sentText = (name: string, value: (row: readonly string[]) => string): [string, Cell] => [
    name,
    position.has(name) ? (row) => copyText(value(row)) : () => nullCell,
  ];
  return new Map<string, Cell>([
    ['gpu_model_name', (row) => copyText(model(row))],
    ['gpu_vendor_name', (row) => copyText(cleanGpuVendor(at(row, 'gpu_vendor_name')))],
    sentText('mig_instance_id', (row) => mig(row).migInstanceId),
    sentText('mig_profile', (row) => mig(row).migProfile),
    sentText('mig_strategy', (row) => mig(row).migStrategy),
    ['mig_slice_count', (row) => orNull(mig(row).migSliceCount)],
    ['mig_memory_capacity_mib', (row) => orNull(mig(row).migMemoryCapacityMib)],
    ['gpu_max_slices', (row) => orNull(mig(row).gpuMaxSlices)],
  ]);
}
