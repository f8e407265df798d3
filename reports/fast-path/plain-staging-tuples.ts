import type { SummedUnit } from '../../domain/reports/report-kind.ts';
import type { ControlSums } from '../control-sums.ts';
import { plainField } from '../csv-records.ts';
import type { PlainRecords } from '../csv-records.ts';
import { columnRules } from './plain-kernel.ts';
import type { TupleLayout } from './plain-kernel.ts';

/** How the value of a staging column is derived from one field of a plain record. */
export type PlainCell =
  { rule: 'interval' | 'number' | SummedUnit | 'text' | 'labels'; field: number } | { rule: 'null' };

/** Id of the label set for a text; undefined if it has none yet. */
export type LabelSetId = (text: string) => number | undefined;

/** Id of a label text that must have one. */
export function labelSetIdOf(text: string, labelSetId: LabelSetId): number {
  const id = labelSetId(text);
  if (id === undefined) throw new Error('a label set has no id: it must be stored before the row is written');
  return id;
}

/** Rows to be converted to tuples of COPY's binary format. */
export interface StagingTuples {
  /** label texts among them that may have no id yet */
  newLabelTexts: string[];
  /**
   * The tuples; every label text must have an id by then. The bytes are overwritten when later rows are converted, one
   * block of the kernel per run, in turn.
   */
  tuples(labelSetId: LabelSetId): Buffer;
}

/**
 * The fast path of the load: tuples from plain records, byte by byte, without a string per field.
 * test/reports/plain-staging-tuples.test.ts compares it with the conversion of parsed rows: same bytes.
 *
 * @param cells in the order of the columns
 * @param constant fields that end each tuple
 * @param columnCount columns of the tuple, including the constant ones
 * @param sums get what the rows add up to
 */
export function plainTupleWriter(
  cells: readonly PlainCell[],
  constant: Buffer,
  columnCount: number,
  sums: ControlSums,
): (run: PlainRecords) => StagingTuples {
  const fieldOf = (cell: PlainCell) => (cell.rule === 'null' ? 0 : cell.field);
  const layout: TupleLayout = {
    columns: Int32Array.from(cells.flatMap((cell) => [columnRules[cell.rule], fieldOf(cell)])),
    labels: Int32Array.from(cells.filter(({ rule }) => rule === 'labels').map(fieldOf)),
    constant,
    columnCount,
  };
  return (run) => {
    const unknown = run.kernel.findLabels(run.recordCount, layout).map((label) => ({
      label,
      text: plainField(run, label.record, label.field),
    }));
    return {
      newLabelTexts: [...new Set(unknown.map(({ text }) => text))],
      tuples: (labelSetId) => {
        for (const { label, text } of unknown) run.kernel.keepLabel(label, labelSetIdOf(text, labelSetId));
        return run.kernel.writeTuples(run.recordCount, layout, sums.values);
      },
    };
  };
}
