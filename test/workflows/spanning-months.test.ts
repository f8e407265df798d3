import { beforeAll, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { ReportRows } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';

/** The clock of the test pipelines stands in November, so both months are kept. */
let pipeline: TestPipeline;
let folder: ArchiveFolder;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
});

const rowsFrom = (from: string, until: string): ReportRows =>
  rowsOf(steadyCluster, hoursBetween(from, until));

async function send(clusterId: string, payload: Payload) {
  return pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: clusterId })));
}

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

/** Days of a table that have rows of the source, with the report period they belong to. */
async function daysIn(table: string, sourceUuid: string): Promise<string[]> {
  const rows = await query<{ day: string }>(
    `select distinct usage_start as day from ${table} where source_uuid = $1 order by 1`,
    [sourceUuid],
  );
  return rows.map((row) => row.day);
}

const bothMonths = ['2026-10-30', '2026-10-31', '2026-11-01'];

describe('a payload of two months', () => {
  test.concurrent('is summarised in both, each under its own report period', async () => {
    const source = await pipeline.addSource('two-months');
    const payload = buildPayload(rowsFrom('2026-10-30 00:00', '2026-11-02 00:00'));
    expect(await send('two-months', payload)).toMatchObject({ outcome: 'completed', daysSummarised: 3 });
    const periods = await query<{ period: string; days: string[]; summarised: boolean }>(
      `select
           to_char(period.report_period_start at time zone 'UTC', 'YYYY-MM') as period,
           array_agg(distinct summary.usage_start::text order by summary.usage_start::text) as days,
           bool_and(period.summary_data_creation_datetime is not null) as summarised
       from reporting_ocpusagereportperiod as period
       join reporting_ocpusagelineitem_daily_summary as summary on summary.report_period_id = period.id
       where period.provider_id = $1
       group by period.id
       order by 1`,
      [source],
    );
    expect(periods).toEqual([
      { period: '2026-10', days: bothMonths.slice(0, 2), summarised: true },
      { period: '2026-11', days: bothMonths.slice(2), summarised: true },
    ]);
    expect(await daysIn('reporting_ocp_pod_summary_by_project_p', source)).toEqual(bothMonths);
    expect(await daysIn('reporting_ocp_volume_summary_p', source)).toEqual(bothMonths);
  });

  test.concurrent('has its rows in the partitions of both months', async () => {
    const source = await pipeline.addSource('partitions');
    await send('partitions', buildPayload(rowsFrom('2026-10-31 20:00', '2026-11-01 04:00')));
    for (const [table, column] of [
      ['reporting_ocpusagelineitem_pod_staging', 'interval_start'],
      ['reporting_ocpusagelineitem_daily_summary', 'usage_start'],
      ['reporting_ocp_pod_summary_p', 'usage_start'],
    ]) {
      const found = await query<{ partition: string; months: string[] }>(
        `select tableoid::regclass::text as partition, array_agg(distinct to_char(${column}, 'YYYY_MM')) as months
         from ${table} where source_uuid = $1 group by 1 order by 1`,
        [source],
      );
      expect(found).toEqual(
        ['2026_10', '2026_11'].map((month) => ({ partition: `${table}_${month}`, months: [month] })),
      );
    }
  });

  test.concurrent('gives the tables of two payloads of one month each', async () => {
    const together = await pipeline.addSource('together');
    await send('together', buildPayload(rowsFrom('2026-10-31 00:00', '2026-11-02 00:00')));
    const apart = await pipeline.addSource('apart');
    await send('apart', buildPayload(rowsFrom('2026-11-01 00:00', '2026-11-02 00:00')));
    await send('apart', buildPayload(rowsFrom('2026-10-31 00:00', '2026-11-01 00:00')));
    expectSameTables(
      await snapshotTables(pipeline.database, together),
      await snapshotTables(pipeline.database, apart),
    );
  });

  test.concurrent(
    'whose end lies on the first day of the next month is summarised on that day too',
    async () => {
      const source = await pipeline.addSource('pulled-back');
      const payload = buildPayload(rowsFrom('2026-10-30 00:00', '2026-11-01 06:00'), {
        start: '2026-10-30T00:00:00Z',
        end: '2026-11-01T05:59:59Z',
      });
      await send('pulled-back', payload);
      expect(await daysIn('reporting_ocpusagelineitem_daily_summary', source)).toEqual(bothMonths);
      const declared = await query<{ usage_day: string; hours: number }>(
        'select usage_day, max(declared_hours) as hours from ocp_piece where source_uuid = $1 group by 1 order by 1',
        [source],
      );
      expect(declared.map((day) => day.hours)).toEqual([24, 24, 6]);
    },
  );

  test.concurrent(
    'that is sent again with more hours of the new month leaves the old one alone',
    async () => {
      const source = await pipeline.addSource('turn-of-month');
      await send('turn-of-month', buildPayload(rowsFrom('2026-10-31 00:00', '2026-11-01 06:00')));
      await send('turn-of-month', buildPayload(rowsFrom('2026-10-31 00:00', '2026-11-01 12:00')));
      expect(await dayVersions(pipeline.database, source)).toEqual({ '2026-10-31': 1, '2026-11-01': 2 });
    },
  );
});
