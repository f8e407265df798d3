import { cleanGpuModel, cleanGpuVendor, migFields } from '../domain/gpu.ts';
import { reportKindDefinition, stagingTableOf } from '../domain/report-kind.ts';
import type { ReportKind } from '../domain/report-kind.ts';
import { csvLine, fieldsOf } from './csv-records.ts';
import type { ParsedRecords, PlainRecords } from './csv-records.ts';
import { intervalText, labelSetIdOf, nullCell, numberCell, plainLineWriter } from './plain-staging-lines.ts';
import type { PlainCell, StagingLines } from './plain-staging-lines.ts';

/** What every staging row of a piece carries besides its CSV row. */
export interface PieceColumns {
  pieceId: number;
  sourceUuid: string;
  reportPeriodId: number;
}

/** Turns the rows of one piece into lines for COPY. */
export interface StagingRowWriter {
  /** the COPY that reads the lines */
  copySql: string;
  /**
   * Look at some rows: the texts of their label columns that no earlier rows had, and their lines once these have ids.
   * Rows are good until the next are read, so their lines must be written before.
   */
  prepare(rows: PlainRecords | ParsedRecords): StagingLines;
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
  /** a text that the file has: blank is a value of it */
  isText?: boolean;
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
  const constant = `${piece.pieceId},${piece.sourceUuid},${piece.reportPeriodId}\n`;
  const plainCells = columns.flatMap(({ plain }) => plain ?? []);
  const preparePlain =
    plainCells.length === columns.length ? plainLineWriter(plainCells, constant) : undefined;
  const prepareFields = fieldsLineWriter(columns, constant);
  return {
    copySql: copySql(kind, columns),
    prepare: (rows) =>
      rows.form === 'plain' && preparePlain !== undefined
        ? preparePlain(rows)
        : prepareFields(fieldsOf(rows)),
  };
}

function copySql(kind: ReportKind, columns: readonly StagingColumn[]): string {
  const names = [...columns.map(({ name }) => name), 'piece_id', 'source_uuid', 'report_period_id'];
  const texts = columns.filter(({ isText }) => isText).map(({ name }) => name);
  const options = ['format csv', ...(texts.length === 0 ? [] : [`force_not_null (${texts.join(', ')})`])];
  return `copy ${stagingTableOf(kind)} (${names.join(', ')}) from stdin with (${options.join(', ')})`;
}

/** The tolerant path: lines from fields of any content. */
function fieldsLineWriter(
  columns: readonly StagingColumn[],
  constant: string,
): (rows: readonly (readonly string[])[]) => StagingLines {
  const labelFields = columns.flatMap(({ plain }) => (plain?.rule === 'labels' ? [plain.field] : []));
  const line = (row: readonly string[], labelSetId: LabelSetId): string =>
    csvLine(columns.map(({ cell }) => cell(row, labelSetId))).replace(/\n$/, `,${constant}`);
  return (rows) => ({
    newLabelTexts: [...new Set(labelFields.flatMap((field) => rows.map((row) => row[field] ?? '')))],
    lines: (labelSetId) => Buffer.from(rows.map((row) => line(row, labelSetId)).join('')),
  });
}

/** Columns of the staging table but for the constant ones, in the order of the file as far as they are fields of it. */
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
      columns.push({ name, cell: (row) => row[field] ?? '', plain: { rule: 'text', field }, isText: true });
    else
      columns.push({
        name: labelColumn(kind, name),
        cell: labelCell(field),
        plain: { rule: 'labels', field },
      });
  }
  for (const [name, cell] of gpuCells ?? [])
    columns.push({ name, cell, isText: gpuTexts.has(name) && position.has(name) });
  const order = ({ plain }: StagingColumn) =>
    plain === undefined || plain.rule === 'null' ? header.length : plain.field;
  return columns.sort((left, right) => order(left) - order(right));
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

/** Those of the derived columns that are texts: blank is a value of them, where it is NULL for the numbers. */
const gpuTexts = new Set([
  'gpu_model_name',
  'gpu_vendor_name',
  'mig_instance_id',
  'mig_profile',
  'mig_strategy',
]);

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
    position.has(name) ? (row) => value(row) : () => nullCell,
  ];
  return new Map<string, Cell>([
    ['gpu_model_name', model],
    ['gpu_vendor_name', (row) => cleanGpuVendor(at(row, 'gpu_vendor_name'))],
    sentText('mig_instance_id', (row) => mig(row).migInstanceId),
    sentText('mig_profile', (row) => mig(row).migProfile),
    sentText('mig_strategy', (row) => mig(row).migStrategy),
    ['mig_slice_count', (row) => orNull(mig(row).migSliceCount)],
    ['mig_memory_capacity_mib', (row) => orNull(mig(row).migMemoryCapacityMib)],
    ['gpu_max_slices', (row) => orNull(mig(row).gpuMaxSlices)],
  ]);
}
