import { createHash } from 'node:crypto';
import { canonicalLabels } from '../../domain/reports/labels.ts';
import { withManifest } from './archives.ts';
import type { Payload } from './archives.ts';
import type { TestDatabase } from './database.ts';
import { waitUntil } from './wait-until.ts';

const podCount = 250;
const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'));

/**
 * The operator's sample with 6,000 pod rows instead of five: several batches of one COPY. Only the last row has the
 * label `app=<lastApp>`, so whoever holds that label set stops the COPY after thousands of rows, without a clock.
 */
export function longPodFile(sample: Payload, lastApp: string): Payload {
  const [podFile = '', csv = ''] = [...sample.files].find(([, text]) => text.includes('pod_labels')) ?? [];
  const [header = '', row = ''] = csv.split('\n');
  const rows = hours.flatMap((hour) =>
    Array.from({ length: podCount }, (_, pod) =>
      row
        .replaceAll('2026-10-06 18:', `2026-10-06 ${hour}:`)
        .replace('etcd-operator-576bc857f8-6k7x2', `pod-${pod}`)
        .replace(/label_app:.*$/, `label_app:app-${pod % 10}`),
    ),
  );
  rows.push((rows.at(-1) ?? '').replace(/label_app:.*$/, `label_app:${lastApp}`));
  return { ...sample, files: new Map([...sample.files, [podFile, [header, ...rows, ''].join('\n')]]) };
}

/**
 * The pod file of the operator's sample alone, with the label `app=<app>` on every row: no row can be copied without
 * it.
 */
export function podFileAlone(sample: Payload, app: string): Payload {
  const [podFile = '', csv = ''] = [...sample.files].find(([, text]) => text.includes('pod_labels')) ?? [];
  const [header = '', ...rows] = csv.split('\n').filter((line) => line !== '');
  const labelled = rows.map((row) => row.replace(/,label_.*$/, `,label_app:${app}`));
  const files = new Map([[podFile, [header, ...labelled, ''].join('\n')]]);
  return withManifest({ ...sample, files }, { files: [podFile] });
}

/** A transaction of the test that something else waits for. */
export interface Hold {
  release(): Promise<void>;
}

/** Store the label set `app=<app>` without committing: whoever needs it waits until the hold is released. */
export async function holdLabelSet(database: TestDatabase, app: string): Promise<Hold> {
  const labels = canonicalLabels({ app });
  const hash = createHash('sha256').update(labels).digest();
  return hold(database, 'select ocp_label_set_ids($1::bytea[], $2::jsonb[])', [[hash], [labels]]);
}

/** Let nobody write to a table of the tenant until the hold is released. */
export async function holdTable(database: TestDatabase, table: string): Promise<Hold> {
  return hold(database, `lock table ${table} in share mode`, []);
}

/** Let nobody read a table of the tenant until the hold is released. */
export async function holdReaders(database: TestDatabase, table: string): Promise<Hold> {
  return hold(database, `lock table ${table} in access exclusive mode`, []);
}

async function hold(database: TestDatabase, statement: string, values: unknown[]): Promise<Hold> {
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query(`select set_config('search_path', $1 || ', public', true)`, [database.schema]);
  await client.query(statement, values);
  return {
    release: async () => {
      await client.query('rollback');
      client.release();
    },
  };
}

/** A COPY that is running, and the rows it has taken so far. */
export interface RunningCopy {
  pid: number;
  rows: number;
}

/** Running COPYs into a staging table (all its partitions). */
export async function runningCopies(database: TestDatabase, table: string): Promise<RunningCopy[]> {
  const { rows } = await database.pool.query<RunningCopy>(
    `select pid, tuples_processed as rows
     from pg_stat_progress_copy
     where datname = current_database()
         and relid = ($1 || '.' || $2)::regclass`,
    [database.schema, table],
  );
  return rows;
}

export const podStaging = 'reporting_ocpusagelineitem_pod_staging';

/** Wait until a COPY of pods has taken some of its rows and goes no further. */
export async function copyHalfWay(database: TestDatabase, otherThan?: number): Promise<RunningCopy> {
  let found: RunningCopy | undefined;
  await waitUntil(async () => {
    const copies = await runningCopies(database, podStaging);
    found = copies.find((copy) => copy.rows > 0 && copy.pid !== otherThan);
    return found !== undefined;
  });
  if (found === undefined) throw new Error('no COPY is running');
  return found;
}
