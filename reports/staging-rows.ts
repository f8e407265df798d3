import { storedGpuColumns, storedGpuFields } from '../domain/reports/gpu.ts';
import type { StoredGpuColumn } from '../domain/reports/gpu.ts';
import { reportKindDefinition, stagingTableOf } from '../domain/reports/report-kind.ts';
import type { ReportKind } from '../domain/reports/report-kind.ts';
import {
  bigintField,
  integerField,
  intervalField,
  nullField,
  numberField,
  textField,
  timeMicroseconds,
  uuidField,
} from '../platform/database/binary-copy.ts';
import { ControlSums, utcHour } from './control-sums.ts';
import { fieldsOf } from './csv-records.ts';
import type { ParsedRecords, PlainRecords } from './csv-records.ts';
import { labelSetIdOf, plainTupleWriter } from './fast-path/plain-staging-tuples.ts';
import type { LabelSetId, PlainCell, StagingTuples } from './fast-path/plain-staging-tuples.ts';
import { remembered } from './fast-path/remembered.ts';

/** The values that every staging row of a piece has besides its CSV row. */
export interface PieceColumns {
  pieceId: number;
  sourceUuid: string;
  reportPeriodId: number;
}

/** Converts the rows of one piece to tuples for COPY. */
export interface StagingRowWriter {
  /** the COPY statement that reads header, tuples and trailer of the binary format */
  copySql: string;
  /** of the rows whose tuples were made so far */
  sums: ControlSums;
  /**
   * Prepare some rows: returns the texts of their label columns that no earlier rows had, and their tuples, which need
   * the ids of these texts. Rows are valid only until the next are read, so their tuples must be written before.
   */
  prepare(rows: PlainRecords | ParsedRecords): StagingTuples;
}

/** Field of one column, from the fields of a row. */
type Cell = (row: readonly string[], labelSetId: LabelSetId) => Buffer;

/**
 * A column of the COPY: how its field is derived from a row, and from which field by which rule, if it is derived from
 * one.
 */
interface StagingColumn {
  name: string;
  cell: Cell;
  plain?: PlainCell;
}

/** Staging column of a label column: if a kind has two, each keeps its name. */
function labelColumn(kind: ReportKind, column: string): string {
  return kind === 'storage_usage' ? column.replace(/_labels$/, '_label_set_id') : 'label_set_id';
}

/**
 * Prepare the conversion of a daily CSV with this header. A blank number is NULL; a blank text stays blank; a text
 * column missing from the file is NULL.
 */
export function stagingRowWriter(
  kind: ReportKind,
  header: readonly string[],
  piece: PieceColumns,
): StagingRowWriter {
  const columns = stagingColumns(kind, header);
  const names = [...columns.map(({ name }) => name), 'piece_id', 'source_uuid', 'report_period_id'];
  const constant = Buffer.concat([
    bigintField(piece.pieceId),
    uuidField(piece.sourceUuid),
    integerField(piece.reportPeriodId),
  ]);
  const sums = new ControlSums();
  const plainCells = columns.flatMap(({ plain }) => plain ?? []);
  const preparePlain =
    plainCells.length === columns.length
      ? plainTupleWriter(plainCells, constant, names.length, sums)
      : undefined;
  const prepareFields = fieldsTupleWriter(columns, constant, names.length, sums);
  return {
    copySql: `copy ${stagingTableOf(kind)} (${names.join(', ')}) from stdin with (format binary)`,
    sums,
    prepare: (rows) =>
      rows.form === 'plain' && preparePlain !== undefined
        ? preparePlain(rows)
        : prepareFields(fieldsOf(rows)),
  };
}

/** The tolerant path: tuples from fields of any content. */
function fieldsTupleWriter(
  columns: readonly StagingColumn[],
  constant: Buffer,
  columnCount: number,
  sums: ControlSums,
): (rows: readonly (readonly string[])[]) => StagingTuples {
  const labelFields = columns.flatMap(({ plain }) => (plain?.rule === 'labels' ? [plain.field] : []));
  const start = Buffer.alloc(2);
  start.writeInt16BE(columnCount);
  const addRow = rowAdder(columns, sums);
  return (rows) => ({
    newLabelTexts: [...new Set(labelFields.flatMap((field) => rows.map((row) => row[field] ?? '')))],
    tuples: (labelSetId) => {
      rows.forEach(addRow);
      return Buffer.concat(
        rows.flatMap((row) => [start, ...columns.map(({ cell }) => cell(row, labelSetId)), constant]),
      );
    },
  });
}

/** Adds a row to the control sums, number by number in the order of the columns, as the kernel does. */
function rowAdder(columns: readonly StagingColumn[], sums: ControlSums): (row: readonly string[]) => void {
  const hourOf = remembered((text) => utcHour(timeMicroseconds(text)));
  const start = columns.find(({ plain }) => plain?.rule === 'interval')?.plain;
  const startField = start?.rule === 'interval' ? start.field : -1;
  const summed = columns.flatMap(({ plain }) =>
    plain?.rule === 'core-seconds' || plain?.rule === 'byte-seconds'
      ? [{ unit: plain.rule, field: plain.field }]
      : [],
  );
  return (row) => {
    const hour = hourOf(row[startField] ?? '');
    for (const { unit, field } of summed) sums.addNumber(hour, unit, Number(row[field] ?? ''));
    sums.addRow(hour);
  };
}

/** Columns of the staging table, except the constant ones. */
function stagingColumns(kind: ReportKind, header: readonly string[]): StagingColumn[] {
  const { columns: known } = reportKindDefinition(kind);
  const position = new Map(header.map((name, index) => [name, index]));
  const start = position.get('interval_start') ?? -1;
  const columns: StagingColumn[] = [
    { name: 'interval_start', cell: intervalCell(start), plain: { rule: 'interval', field: start } },
  ];
  const gpuCells = kind === 'gpu_usage' ? gpuCellsOf(position) : undefined;
  for (const { name, type, sum } of known) {
    if (type === 'timestamp' || gpuCells?.has(name) === true) continue;
    const field = position.get(name);
    if (field === undefined) columns.push({ name, cell: () => nullField, plain: { rule: 'null' } });
    else if (type === 'number')
      columns.push({
        name,
        cell: (row) => numberField(row[field] ?? ''),
        plain: { rule: sum ?? 'number', field },
      });
    else if (type === 'text')
      columns.push({ name, cell: (row) => textField(row[field] ?? ''), plain: { rule: 'text', field } });
    else
      columns.push({
        name: labelColumn(kind, name),
        cell: labelCell(field),
        plain: { rule: 'labels', field },
      });
  }
  for (const [name, cell] of gpuCells ?? []) columns.push({ name, cell });
  return columns;
}

function intervalCell(index: number): Cell {
  const field = remembered(intervalField);
  return (row) => field(row[index] ?? '');
}

function labelCell(index: number): Cell {
  return (row, labelSetId) => bigintField(labelSetIdOf(row[index] ?? '', labelSetId));
}

/** A blank number is NULL, and so is a text column missing from the file; the fields of both engines are the same. */
function gpuCellsOf(position: ReadonlyMap<string, number>): Map<string, Cell> {
  const stored = (row: readonly string[]) => storedGpuFields((name) => row[position.get(name) ?? -1] ?? '');
  const cellOf = (name: StoredGpuColumn): Cell => {
    if (storedGpuColumns[name] === 'number') return (row) => numberField(stored(row)[name]);
    return position.has(name) ? (row) => textField(stored(row)[name]) : () => nullField;
  };
  return new Map((Object.keys(storedGpuColumns) as StoredGpuColumn[]).map((name) => [name, cellOf(name)]));
}
