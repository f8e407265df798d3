import { describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { PayloadOptions, ReportRows } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

/** Four months kept on 28 November: August is the oldest, July is what the purge removes (DOMAIN §10.4). */
const november = { OCP_NOW: '2026-11-28T12:00:00Z' };

const julyAndAugust = (until = '2026-08-02 00:00') =>
  rowsOf(steadyCluster, hoursBetween('2026-07-30 00:00', until));

const countRows = (rows: ReportRows, from: string) =>
  Object.values(rows).reduce((sum, ofKind) => sum + ofKind.filter(({ hour }) => hour >= from).length, 0);

async function createTenant(environment: Record<string, string> = november) {
  const pipeline = await createTestPipeline(environment);
  const folder = await createArchiveFolder();
  const send = async (clusterId: string, rows: ReportRows, options: PayloadOptions = {}) => {
    const source = await pipeline.addSource(clusterId);
    const payload = withManifest(buildPayload(rows, options), { cluster_id: clusterId });
    return { source, result: await pipeline.ingest(await folder.pack(payload)) };
  };
  return { pipeline, send };
}

async function query<R extends object>(
  { database }: TestPipeline,
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  return inTenantTransaction(database.pool, database.schema, async (client) => {
    return (await client.query<R>(text, values)).rows;
  });
}

/** Months that any table of ours or of Koku has of a source. */
async function monthsOf(pipeline: TestPipeline, source: string): Promise<Record<string, string[]>> {
  const [row] = await query<Record<string, string[]>>(
    pipeline,
    `select
         array(select distinct to_char(usage_start, 'YYYY-MM') from reporting_ocpusagelineitem_daily_summary
               where source_uuid = $1 order by 1) as summary,
         array(select distinct to_char(usage_day, 'YYYY-MM') from ocp_piece
               where source_uuid = $1 order by 1) as pieces,
         array(select distinct to_char(interval_start at time zone 'UTC', 'YYYY-MM')
               from reporting_ocpusagelineitem_pod_staging where source_uuid = $1 order by 1) as staging,
         array(select to_char(report_period_start at time zone 'UTC', 'YYYY-MM') from reporting_ocpusagereportperiod
               where provider_id = $1 order by 1) as periods`,
    [source],
  );
  return row ?? {};
}

const onlyIn = (...months: string[]) => ({
  summary: months,
  pieces: months,
  staging: months,
  periods: months,
});

async function setRetention(pipeline: TestPipeline, months: number): Promise<void> {
  await query(pipeline, 'delete from tenant_settings');
  await query(pipeline, 'insert into tenant_settings (data_retention_months, singleton) values ($1, true)', [
    months,
  ]);
}

describe('rows of months that are no longer kept', () => {
  test('are left out and counted; the rest of the payload is summarised', async () => {
    const { pipeline, send } = await createTenant();
    const rows = julyAndAugust();
    const expiredRowCount = countRows(rows, '') - countRows(rows, '2026-08-01 00:00');
    // 3 days: twice as many rows are of July as of August.
    expect(expiredRowCount).toBe(2 * countRows(rows, '2026-08-01 00:00'));
    // The end is 1 August, 23:59:59, although it is pulled back to 31 July.
    const { source, result } = await send('two-months', rows);
    expect(result).toMatchObject({
      outcome: 'completed',
      rowCount: countRows(rows, '2026-08-01 00:00'),
      expiredRowCount,
      rejectedRowCount: 0,
      daysSummarised: 1,
      validationWarningCount: 0,
      warnings: [],
    });
    expect(await monthsOf(pipeline, source)).toEqual(onlyIn('2026-08'));
    const files = await query<{ expired: number; rejected: number; rejects: string | null }>(
      pipeline,
      `select expired_row_count::integer as expired, rejected_row_count::integer as rejected, rejects_key as rejects
       from ocp_file join ocp_manifest using (manifest_id) where source_uuid = $1`,
      [source],
    );
    expect(files.reduce((sum, file) => sum + file.expired, 0)).toBe(expiredRowCount);
    expect(files.every(({ rejected, rejects }) => rejected === 0 && rejects === null)).toBe(true);
  });

  test('end a payload that has no others as ignored, with its files done', async () => {
    const { pipeline, send } = await createTenant();
    // The operator says that it covered the first hours of August, and had no rows in them.
    const rows = julyAndAugust('2026-08-01 00:00');
    const { source, result } = await send('july-alone', rows, { end: '2026-08-01T05:59:59Z' });
    expect(result).toMatchObject({
      outcome: 'ignored',
      reason: `all ${countRows(rows, '')} rows are from before 2026-08-01, the first day that is kept`,
      rowCount: 0,
      expiredRowCount: countRows(rows, ''),
      daysSummarised: 0,
    });
    expect(await monthsOf(pipeline, source)).toEqual(onlyIn());
    const [manifest] = await query<{ done: boolean; statuses: number[] }>(
      pipeline,
      `select manifest.completed_datetime is not null as done,
           array(select distinct status from public.reporting_common_costusagereportstatus
                 where manifest_id = manifest.id) as statuses
       from public.reporting_common_costusagereportmanifest as manifest where provider_id = $1`,
      [source],
    );
    expect(manifest).toEqual({ done: true, statuses: [1] });
  });

  test('do not hide a bad row of the same file', async () => {
    const { send } = await createTenant();
    const rows = julyAndAugust();
    const [first, ...others] = rows.pod_usage ?? [];
    const last = others.pop();
    const bad = { pod_usage_cpu_core_seconds: 'much' };
    const pods = [{ ...first, ...bad }, ...others, { ...last, ...bad }] as ReportRows['pod_usage'];
    const { result } = await send('bad-row', { ...rows, pod_usage: pods ?? [] });
    // Of the two bad rows the first one is of July, so nothing but its age counts.
    expect(result).toMatchObject({ outcome: 'completed', rejectedRowCount: 1 });
    expect(result.expiredRowCount).toBe(countRows(rows, '') - countRows(rows, '2026-08-01 00:00'));
  });
});

describe("the tenant's own retention", () => {
  test('holds at the gate and at the rows, in both directions', async () => {
    const { pipeline, send } = await createTenant();
    // Five months: July is kept. Three: August is not.
    await setRetention(pipeline, 5);
    const longer = await send('five-months', julyAndAugust());
    expect(longer.result).toMatchObject({ outcome: 'completed', daysSummarised: 3 });
    expect(longer.result.expiredRowCount).toBeUndefined();
    expect(await monthsOf(pipeline, longer.source)).toEqual(onlyIn('2026-07', '2026-08'));

    await setRetention(pipeline, 3);
    const shorter = await send('three-months', julyAndAugust());
    expect(shorter.result).toMatchObject({
      outcome: 'ignored',
      reason: expect.stringContaining('before the 3 retained months (from 2026-09-01;') as string,
    });
    const across = rowsOf(steadyCluster, hoursBetween('2026-08-31 00:00', '2026-09-02 00:00'));
    const { source, result } = await send('across', across);
    expect(result).toMatchObject({
      outcome: 'completed',
      expiredRowCount: countRows(across, '') - countRows(across, '2026-09-01 00:00'),
    });
    expect(await monthsOf(pipeline, source)).toEqual(onlyIn('2026-09'));
  });

  test("gives way to the deployment's setting when that is not its default", async () => {
    const { pipeline, send } = await createTenant({ ...november, RETAIN_NUM_MONTHS: '3' });
    await setRetention(pipeline, 12);
    expect((await send('deployment', julyAndAugust())).result).toMatchObject({ outcome: 'ignored' });
  });

  test('leaves nothing out for its age while it cannot be read', async () => {
    const { pipeline, send } = await createTenant();
    await setRetention(pipeline, 0);
    const { source, result } = await send('unclear', julyAndAugust());
    expect(result).toMatchObject({ outcome: 'completed', daysSummarised: 3 });
    expect(await monthsOf(pipeline, source)).toEqual(onlyIn('2026-07', '2026-08'));
    const ancient = rowsOf(steadyCluster, hoursBetween('2024-02-28 00:00', '2024-03-01 00:00'));
    expect((await send('ancient', ancient)).result).toMatchObject({
      outcome: 'completed',
      daysSummarised: 2,
    });
  });
});
