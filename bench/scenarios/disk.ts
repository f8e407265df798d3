import { randomUUID } from 'node:crypto';
import { taskQueues } from '../../domain/run/run.ts';
import { msPerDay } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import type { sweepStaging } from '../../workflows/index.ts';
import { benchOrg, onDatabase, tenantSizes } from '../databases.ts';
import type { TenantSizes } from '../databases.ts';
import type { Bench } from '../measure.ts';
import { cachedPayload } from '../payload/cache.ts';
import type { CachedPayload } from '../payload/cache.ts';
import { benchMonth, shapes } from '../payload/shapes.ts';
import { peakRssBytes } from '../process-figures.ts';
import { memoryVerdict } from '../targets.ts';
import type { Fleet } from './fleet.ts';
import { withFleet } from './fleet.ts';
import { inMegabytes } from './scenario.ts';
import type { MeasuredScenario } from './scenario.ts';

const firstDay = '2026-10-01';
const dayCount = 7;
/** Every six hours the operator sends the day so far. */
const hoursSent = [6, 12, 18, 24] as const;
/** The last of the days is eight days ago, and its month goes on. */
const now = '2026-10-16T06:00:00Z';

/** Sizes on disk at one moment, bytes. */
type DiskFigures = { at: string } & TenantSizes;

/**
 * A week of six-hourly payloads of `large`, and what the nightly sweep leaves of it inside the month. Tables are
 * vacuumed before sizes are read, as autovacuum does within minutes of each load.
 */
export async function measureDisk(bench: Bench): Promise<MeasuredScenario> {
  const payloads: CachedPayload[] = [];
  for (const [day, hours] of sendings()) {
    const request = { shape: shapes.large, seed: bench.seed, until: day, hours };
    payloads.push(
      await cachedPayload(bench.payloadDirectory, request, () => {
        bench.progress.step(`disk: generating ${hours} hours of ${day}`);
      }),
    );
  }
  const clusterIds = [...new Set(payloads.map(({ clusterId }) => clusterId))];
  return withFleet(bench, { now, clusterIds, months: [benchMonth] }, async (fleet) => {
    const figures: DiskFigures[] = [await sizesAt(fleet, 'before the first payload')];
    for (const [index, payload] of payloads.entries()) {
      bench.signal.throwIfAborted();
      bench.progress.step(`disk: payload ${index + 1} of ${payloads.length}`);
      await fleet.ingest(payload);
    }
    figures.push(await sizesAt(fleet, 'after the week'));
    bench.progress.step('disk: sweeping');
    const sweptPieceCount = await sweep(bench, fleet);
    figures.push(await sizesAt(fleet, 'after the sweep'));
    const peak = (await peakRssBytes(fleet.workerPid)) ?? NaN;
    return {
      title:
        `A week of large, sent every six hours (${payloads.length} payloads; ${sweptPieceCount} pieces swept inside ` +
        `the month); MB on disk with indexes, vacuumed:`,
      head: ['', 'staging', 'daily relations', 'summaries', 'ledger', 'label sets'],
      rows: figures.map(({ at, staging, relations, summary, ledger, labelSets }) => [
        at,
        ...[staging, relations, summary, ledger, labelSets].map(inMegabytes),
      ]),
      verdicts: [memoryVerdict(peak)],
      figures,
    };
  });
}

function sendings(): [day: string, hours: number][] {
  const days = Array.from({ length: dayCount }, (_, index) =>
    new Date(Date.parse(`${firstDay}T00:00:00Z`) + index * msPerDay).toISOString().slice(0, 10),
  );
  return days.flatMap((day) => hoursSent.map((hours): [string, number] => [day, hours]));
}

async function sizesAt({ databaseUrl }: Fleet, at: string): Promise<DiskFigures> {
  return onDatabase(databaseUrl, async (client) => {
    await client.query('vacuum (analyze)');
    return { at, ...(await tenantSizes(client)) };
  });
}

/** @returns number of pieces whose rows went */
async function sweep({ client }: Bench, { pool }: Fleet): Promise<number> {
  // They were loaded and summarised a moment ago, by the clock of the server; let it be on their own day.
  await inTenantTransaction(pool, benchOrg.schema, (tenant) =>
    tenant.query(
      `update ocp_piece
       set staged_at = (usage_day + 1)::timestamp at time zone 'UTC',
           processed_at = case when processed_at is null then null else (usage_day + 1)::timestamp at time zone 'UTC' end`,
    ),
  );
  const { sweptPieceCount } = await client.workflow.execute<typeof sweepStaging>('sweepStaging', {
    workflowId: `sweep-staging:${randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{}],
  });
  return sweptPieceCount;
}
