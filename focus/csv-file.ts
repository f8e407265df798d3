import type { Writable } from 'node:stream';
import type { Column } from './columns.ts';

/** Takes the lines of an export, cells in the order of the columns. */
export interface LineSink {
  write(rows: readonly (readonly (string | null)[])[]): Promise<void>;
  /** Nothing follows; resolves when everything is handed to the system. */
  end(): Promise<void>;
}

/** RFC 4180 with LF; no value is an empty field, which no text is. */
function record(cells: readonly (string | null)[]): string {
  const fields = cells.map((cell) =>
    cell === null ? '' : /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${fields.join(',')}\n`;
}

/** Write CSV to a stream, at the pace of whoever reads it. The caller ends the stream. */
export function csvSink(stream: Writable, columns: readonly Column[]): LineSink {
  const push = (text: string) =>
    new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  let isStarted = false;
  const start = async () => {
    if (isStarted) return;
    isStarted = true;
    await push(record(columns.map(({ name }) => name)));
  };
  return {
    write: async (rows) => {
      await start();
      await push(rows.map(record).join(''));
    },
    end: start,
  };
}
