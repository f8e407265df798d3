import { randomUUID } from 'node:crypto';
import { stagingTables } from '../../domain/reports/report-kind.ts';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';
import { taskQueues } from '../../domain/run/run.ts';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import type { resummarize } from '../../workflows/index.ts';
import { benchOrg } from '../databases.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { shapes } from '../payload/shapes.ts';
import { peakRssBytes } from '../process-figures.ts';
import { memoryVerdict } from '../targets.ts';
import type { Fleet } from './fleet.ts';
import { withFleet } from './fleet.ts';
import { inMegabytes, inSeconds, wholeNumber } from './scenario.ts';
import type { MeasuredScenario } from './scenario.ts';

const months = ['2026-07', '2026-08', '2026-09', '2026-10'] as const;
/** All four months are kept. */
const now = '2026-10-31T06:00:00Z';
/** A label key of namespaces that no summary has yet. */
const newKey = 'kubernetes_io_metadata_name';

/** One way of rebuilding the months. */
interface RebuildFigures {
  way: string;
  /** of each month */
  monthMs: number[];
  totalMs: number;
}

/**
 * Enable a key when four months are summarised and their staging partitions are dropped, and rebuild the months: from
 * the daily relations; then, the relations taken away, from the daily CSVs, as earlier versions always did. Both have
 * to come to the same tables.
 */
export async function measureRebuild(bench: Bench): Promise<MeasuredScenario> {
  const payloads: CachedPayload[] = [];
  for (const month of months)
    payloads.push(
      await cachedPayload(
        bench.payloadDirectory,
        { shape: shapes.month, seed: bench.seed, until: `${month}-30` },
        () => {
          bench.progress.step(`rebuild: generating ${month}`);
        },
      ),
    );
  const clusterIds = [...new Set(payloads.map(({ clusterId }) => clusterId))];
  return withFleet(bench, { now, clusterIds, months }, async (fleet) => {
    for (const [index, payload] of payloads.entries()) {
      bench.progress.step(`rebuild: loading ${months[index] ?? ''}`);
      await fleet.ingest(payload);
    }
    await dropStaging(fleet);
    const before = await fingerprint(fleet);
    await setTagKeys(fleet.pool, benchOrg.schema, [newKey], true);
    const related = await rebuild(bench, fleet, 'from the daily relations');
    const after = await fingerprint(fleet);
    if (after === before) throw new Error(`the rebuild did not see that ${newKey} is enabled`);
    await inTenant(fleet, 'update ocp_day set relations_hash = null');
    const reloaded = await rebuild(bench, fleet, 'from the daily CSVs, as before there were relations');
    if ((await fingerprint(fleet)) !== after)
      throw new Error('the rebuild from relations differs from the one from the daily CSVs');
    const peak = (await peakRssBytes(fleet.workerPid)) ?? NaN;
    const rowCount = payloads.reduce((sum, payload) => sum + payload.rowCount, 0);
    return {
      title:
        `A key is enabled, and four months (${wholeNumber(rowCount)} line items) are rebuilt whose staging ` +
        `partitions were dropped; both ways come to the same tables; peak RSS ${inMegabytes(peak)} MB:`,
      head: ['rebuilt', 'total s', 's per month', 'ratio'],
      rows: [reloaded, related].map(({ way, totalMs }) => [
        way,
        inSeconds(totalMs),
        inSeconds(totalMs / months.length),
        (totalMs / reloaded.totalMs).toFixed(2),
      ]),
      verdicts: [memoryVerdict(peak)],
      figures: [reloaded, related],
    };
  });
}

async function inTenant<R extends object>({ pool }: Fleet, text: string): Promise<R[]> {
  const { schema } = benchOrg;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text)).rows);
}

/** As the sweep does when a month has long been over. */
async function dropStaging(fleet: Fleet): Promise<void> {
  for (const month of months)
    for (const table of stagingTables)
      await inTenant(fleet, `drop table ${table}_${month.replace('-', '_')}`);
  await inTenant(
    fleet,
    `update ocp_piece set state = 'swept', staged_checksum = null where state = 'staged'`,
  );
}

async function rebuild(
  { client, progress, signal }: Bench,
  fleet: Fleet,
  way: string,
): Promise<RebuildFigures> {
  const [sourceUuid = ''] = fleet.sourceUuids.values();
  const { orgId, schema } = benchOrg;
  const monthMs: number[] = [];
  for (const month of months) {
    signal.throwIfAborted();
    progress.step(`rebuild: ${month} ${way}`);
    const startedAt = performance.now();
    const { daysSummarised } = await client.workflow.execute<typeof resummarize>('resummarize', {
      workflowId: `resummarize:${randomUUID()}`,
      taskQueue: taskQueues.pipeline,
      args: [{ orgId, schema, sourceUuid, month: month as BillingMonth }],
    });
    monthMs.push(performance.now() - startedAt);
    if (daysSummarised !== shapes.month.dayCount)
      throw new Error(
        `${month}: expected ${shapes.month.dayCount} days to be rebuilt, found ${daysSummarised}`,
      );
  }
  return { way, monthMs, totalMs: monthMs.reduce((sum, ms) => sum + ms, 0) };
}

const labelTables = [
  'reporting_ocpusagepodlabel_summary',
  'reporting_ocpstoragevolumelabel_summary',
  'reporting_ocptags_values',
];

/**
 * One hash of what all summary tables hold, without ids. Numbers are rounded to a millionth: rows that were loaded
 * again lie in another order, and sums of floating-point numbers depend on it in their last digits.
 */
async function fingerprint(fleet: Fleet): Promise<string> {
  const hashes: string[] = [];
  for (const table of [...summaryTableNames, ...labelTables]) {
    const columns = await inTenant<{ column: string }>(
      fleet,
      `select case atttypid when 'numeric'::regtype then format('round(%I, 6)', attname) else format('%I', attname) end as column
       from pg_attribute
       where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped and attname not in ('uuid', 'id')`,
    );
    const [row] = await inTenant<{ hash: string | null }>(
      fleet,
      `select md5(string_agg(line, '|' order by line)) as hash
       from (select (${columns.map(({ column }) => column).join(', ')})::text as line from ${table}) as listed`,
    );
    hashes.push(row?.hash ?? 'empty');
  }
  return hashes.join(' ');
}
