import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { temporal } from '@temporalio/proto';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';

/** Where the histories lie: one file per scenario, as `temporal workflow show -o json` writes them. */
export const historyFolder = fileURLToPath(new URL('.', import.meta.url));

/** A stored history of one run. */
export interface StoredHistory {
  /** file name without `.json` */
  scenario: string;
  byteCount: number;
  workflowType: string;
  history: temporal.api.history.v1.IHistory;
}

/** All stored histories, by scenario. */
export function readHistories(): StoredHistory[] {
  return readdirSync(historyFolder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const text = readFileSync(`${historyFolder}${name}`, 'utf8');
      const history = historyFromJSON(JSON.parse(text));
      const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
      return {
        scenario: name.replace(/\.json$/, ''),
        byteCount: Buffer.byteLength(text),
        workflowType: started?.workflowType?.name ?? '',
        history,
      };
    });
}
