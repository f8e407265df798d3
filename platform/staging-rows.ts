import { cleanGpuModel, cleanGpuVendor, migFields } from '../domain/gpu.ts';
import { reportKindDefinition } from '../domain/report-kind.ts';
import type { ReportKind } from '../domain/report-kind.ts';
import { fieldsOf, plainField } from './csv-records.ts';
import type { ParsedRecords, PlainRecords } from './csv-records.ts';
import { intervalText, labelSetIdOf, nullCell, numberCell, plainLineWriter } from './plain-staging-lines.ts';
import type { PlainCell } from './plain-staging-lines.ts';

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
  /** texts of the label columns of some rows, each once */
  labelTexts(rows: PlainRecords | ParsedRecords): Set<string>;
  /** the lines of some rows, each with its newline; every label text must have an id by then */
  lines(rows: PlainRecords | ParsedRecords, labelSetId: LabelSetId): Buffer;
}

/** Id of the label set that a text stands for; undefined when it has none yet. */
export type LabelSetId = (text: string) => string | undefined;

/** Value of one column from the fields of a row. */
type Cell = (row: readonly string[], labelSetId: LabelSetId) => string;

/** A column of the COPY: how its value is made from fields, and from which field, by which rule, when it is made of one. */
interface StagingColumn {
  name: string;
  cell: Cell;
  plain?: PlainCell;
}

const needsEscape = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Text as COPY's text format writes it. */
export function copyText(value: string): string {
  return needsEscape.test(value)
    ? value.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? character)
    : value;
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
  const columns = stagingColumns(kind, header);
  const labelFields = columns.flatMap(({ plain }) => (plain?.rule === 'labels' ? [plain.field] : []));
  const constant = `${piece.pieceId}\t${piece.sourceUuid}\t${piece.reportPeriodId}\n`;
  const plainLines = plainLineWriter(
    columns.map(({ plain }) => plain),
    constant,
  );
  const line = (row: readonly string[], labelSetId: LabelSetId): string => {
    let text = '';
    for (const { cell } of columns) text += cell(row, labelSetId) + '\t';
    return text + constant;
  };
  return {
    columns: [...columns.map(({ name }) => name), 'piece_id', 'source_uuid', 'report_period_id'],
    labelTexts: (rows) => labelTexts(rows, labelFields),
    lines: (rows, labelSetId) => {
      if (rows.form === 'plain' && plainLines !== undefined) return plainLines(rows, labelSetId);
      return Buffer.from(
        fieldsOf(rows)
          .map((fields) => line(fields, labelSetId))
          .join(''),
      );
    },
  };
}

function stagingColumns(kind: ReportKind, header: readonly string[]): StagingColumn[] {
  const { columns: known } = reportKindDefinition(kind);
  const position = new Map(header.map((name, index) => [name, index]));
  const start = position.get('interval_start') ?? -1;
  const columns: StagingColumn[] = [
    { name: 'interval_start', cell: intervalCell(start), plain: { rule: 'interval', field: start } },
  ];
  const gpuCells = kind === 'gpu_usage' ? gpuCellsOf(position) : undefined;
  for (const { name, type } of known) {
    if (type === 'timestamp' || gpuCells?.has(name) === true) continue;
    const field = position.get(name);
    if (field === undefined) columns.push({ name, cell: () => nullCell, plain: { rule: 'null' } });
    else if (type === 'number')
      columns.push({ name, cell: (row) => numberCell(row[field] ?? ''), plain: { rule: 'number', field } });
    else if (type === 'text')
      columns.push({ name, cell: (row) => copyText(row[field] ?? ''), plain: { rule: 'text', field } });
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

function labelTexts(rows: PlainRecords | ParsedRecords, labelFields: readonly number[]): Set<string> {
  const texts = new Set<string>();
  for (const field of labelFields)
    if (rows.form === 'parsed') for (const { fields } of rows.records) texts.add(fields[field] ?? '');
    else
      for (let record = 0; record < rows.recordCount; record += 1) texts.add(plainField(rows, record, field));
  return texts;
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
      value = intervalText(text);
      if (converted.size < mostRemembered) converted.set(text, value);
    }
    return value;
  };
}

function labelCell(index: number): Cell {
  return (row, labelSetId) => labelSetIdOf(row[index] ?? '', labelSetId);
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
