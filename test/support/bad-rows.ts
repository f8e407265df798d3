import { readPayload } from './archives.ts';
import type { Payload } from './archives.ts';

/** A full day of a cluster whose pod file has 150 rows with a field too many: more than a file may have. */
export async function payloadWithBadRows(): Promise<Payload> {
  const payload = await readPayload('nise-full_day1');
  const files = new Map(payload.files);
  for (const [name, text] of files)
    if (text.includes('pod_usage_cpu_core_seconds')) {
      const [header = '', ...rows] = text.split('\n');
      const bad = rows.map((row, index) => (index < 150 ? `${row},one field too many` : row));
      files.set(name, [header, ...bad].join('\n'));
    }
  return { ...payload, files };
}
