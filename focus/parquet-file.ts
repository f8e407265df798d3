import { open } from 'node:fs/promises';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Column } from './columns.ts';
import { scaleOf } from './columns.ts';
import type { LineSink } from './csv-file.ts';
import { decimalPrecision, scaled } from './decimals.ts';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/** Lines that are compressed and written together; what the memory of an export depends on. */
const rowGroupSize = 5_000;
/** Bytes of a decimal of 38 digits. */
const decimalBytes = 16;

/**
 * Write Parquet: decimals as DECIMAL(38, 15) and DECIMAL(38, 20), never as floating point, times as timestamps in UTC,
 * everything else as text.
 *
 * @param metadata key-value pairs of the footer
 */
export async function parquetSink(
  path: string,
  columns: readonly Column[],
  { createdBy, metadata }: { createdBy: string; metadata: Readonly<Record<string, string>> },
): Promise<{ sink: LineSink; close: () => Promise<void> }> {
  const file = await open(path, 'w');
  const writer = new ByteWriter();
  const flush = async () => {
    await file.writeFile(new Uint8Array(writer.buffer, 0, writer.index));
    writer.index = 0;
  };
  writer.finish = () => undefined;
  const parquet = new ParquetWriter({
    writer,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(elementOf)],
    createdBy,
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  let waiting: (readonly (string | null)[])[] = [];
  const writeGroup = async () => {
    if (waiting.length === 0) return;
    const rows = waiting;
    waiting = [];
    const columnData = columns.map((column, index) => {
      const toValue = valueOf(column);
      return {
        name: column.name,
        // Of a month nobody looks up single pages, and their index would grow with the file.
        offsetIndex: false,
        data: rows.map((row) => {
          const cell = row[index];
          return cell === null || cell === undefined ? null : toValue(cell);
        }),
      };
    });
    await parquet.write({ columnData, rowGroupSize });
    await flush();
  };
  const sink: LineSink = {
    write: async (rows) => {
      for (const row of rows) {
        waiting.push(row);
        if (waiting.length === rowGroupSize) await writeGroup();
      }
    },
    end: async () => {
      await writeGroup();
      await parquet.finish();
      await flush();
    },
  };
  return { sink, close: () => file.close() };
}

function elementOf(column: Column): Schema[number] {
  const repetition_type = column.isNullable ? 'OPTIONAL' : 'REQUIRED';
  const scale = scaleOf(column);
  if (scale !== undefined)
    return {
      name: column.name,
      type: 'FIXED_LEN_BYTE_ARRAY',
      type_length: decimalBytes,
      converted_type: 'DECIMAL',
      precision: decimalPrecision,
      scale,
      repetition_type,
    };
  if (column.type === 'time')
    return {
      name: column.name,
      type: 'INT64',
      converted_type: 'TIMESTAMP_MICROS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      repetition_type,
    };
  return { name: column.name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type };
}

function valueOf(column: Column): (cell: string) => bigint | Date | string {
  const scale = scaleOf(column);
  if (scale !== undefined) return (cell) => scaled(cell, scale);
  if (column.type === 'time') return (cell) => new Date(cell);
  return (cell) => cell;
}
