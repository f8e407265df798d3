import { writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { historyFolder } from './histories.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Store the history of a run as the scenario's: one event a line, without what tells of the machine it ran on. */
export async function writeHistory(scenario: string, run: WorkflowHandle): Promise<void> {
  const { events } = JSON.parse(historyToJSON(await run.fetchHistory())) as { events: unknown[] };
  const lines = events.map((event) => JSON.stringify(withoutMachine(event)));
  await writeFile(`${historyFolder}${scenario}.json`, `{"events":[\n${lines.join(',\n')}\n]}\n`);
}

function withoutMachine(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replaceAll(root, '').replaceAll(tmpdir(), '/tmp').replaceAll(hostname(), 'host');
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name, inner]) => name !== 'stackTrace' && inner !== null);
  const isSticky = (value as { kind?: unknown }).kind === 'TASK_QUEUE_KIND_STICKY';
  return Object.fromEntries(
    fields.map(([name, inner]) => {
      if (name === 'identity') return [name, 'worker'];
      if (name === 'name' && isSticky) return [name, 'sticky'];
      return [name, withoutMachine(inner)];
    }),
  );
}
