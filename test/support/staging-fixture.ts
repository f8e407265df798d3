import { createHash, randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { canonicalLabels } from '../../domain/reports/labels.ts';
import { stagingTableOf } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { ensureMonthlyPartitions } from '../../platform/database/partitions.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { monthlyTables } from '../../summary/ensure-partitions.ts';
import type { TestDatabase } from './database.ts';

export type Labels = Record<string, string>;

/** One hourly row: staging columns by name; label columns as maps; `hour` is the UTC hour of the day. */
export type HourlyRow = { hour: number } & Record<string, unknown>;

/** A source with one manifest whose hourly rows are put into staging directly, to test the SQL alone. */
export class StagedSource {
  readonly database: TestDatabase;
  readonly sourceUuid: string;
  readonly clusterId: string;
  readonly manifestId: number;
  readonly reportPeriodId: number;

  constructor(
    database: TestDatabase,
    ids: { sourceUuid: string; clusterId: string; manifestId: number; reportPeriodId: number },
  ) {
    this.database = database;
    this.sourceUuid = ids.sourceUuid;
    this.clusterId = ids.clusterId;
    this.manifestId = ids.manifestId;
    this.reportPeriodId = ids.reportPeriodId;
  }

  /** Put rows of one kind and day into staging, as one live piece. */
  async stage(kind: ReportKind, day: string, rows: readonly HourlyRow[]): Promise<void> {
    await inTenantTransaction(this.database.pool, this.database.schema, async (client) => {
      const pieceId = await this.#registerPiece(client, kind, day, rows);
      for (const row of rows) await this.#insertRow(client, kind, day, pieceId, row);
    });
  }

  /** Enable label keys of the tenant. */
  async enableKeys(...keys: string[]): Promise<void> {
    await inTenantTransaction(this.database.pool, this.database.schema, (client) =>
      client.query(
        `insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
         select gen_random_uuid(), key, true, 'OCP' from unnest($1::text[]) as listed (key)
         on conflict (key, provider_type) do update set enabled = true`,
        [keys],
      ),
    );
  }

  /** Build the daily summary of a range of days. @returns rows written */
  async summarise(rules: 'design' | 'koku', from: string, until = from): Promise<number> {
    return inTenantTransaction(this.database.pool, this.database.schema, async (client) => {
      await client.query(`select set_config('ocp.rules', $1, true)`, [rules]);
      const { rows } = await client.query<{ n: number }>(
        'select populate_daily_summary_from_staging($1, $2, $3, $4, $5, $6) as n',
        [from, until, this.reportPeriodId, this.clusterId, 'alias', this.sourceUuid],
      );
      return rows[0]?.n ?? 0;
    });
  }

  /** Query the tenant schema. */
  async query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    return inTenantTransaction(
      this.database.pool,
      this.database.schema,
      async (client) => (await client.query<R>(text, values)).rows,
    );
  }

  async #registerPiece(
    client: PoolClient,
    kind: ReportKind,
    day: string,
    rows: readonly HourlyRow[],
  ): Promise<number> {
    const hourMask = rows.reduce((mask, { hour }) => mask | (1 << hour), 0);
    const name = `${kind}.${day}.${randomUUID()}`;
    const registered = await client.query<{ piece_id: number }>(
      `with file as (
           insert into ocp_file (manifest_id, file_index, file_name, report_kind, state)
           select $1, coalesce(max(file_index), -1) + 1, $2, $3, 'split' from ocp_file where manifest_id = $1
           returning file_id
       )
       insert into ocp_piece (
           file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count,
           checksum, state, staged_checksum, hour_mask, live_hours
       )
       select file_id, $1, $4, $5, $3, $6, $2, 0, $7, $2, 'staged', $2, $8, $8 from file
       returning piece_id`,
      [this.manifestId, name, kind, this.sourceUuid, this.reportPeriodId, day, rows.length, hourMask],
    );
    return registered.rows[0]?.piece_id ?? 0;
  }

  async #insertRow(
    client: PoolClient,
    kind: ReportKind,
    day: string,
    pieceId: number,
    row: HourlyRow,
  ): Promise<void> {
    const columns: Record<string, unknown> = {
      interval_start: `${day}T${String(row.hour).padStart(2, '0')}:00:00Z`,
      piece_id: pieceId,
      source_uuid: this.sourceUuid,
      report_period_id: this.reportPeriodId,
    };
    for (const [name, value] of Object.entries(row)) {
      if (name === 'hour') continue;
      columns[name] = name.endsWith('label_set_id') ? await labelSetId(client, value as Labels) : value;
    }
    const names = Object.keys(columns);
    await client.query(
      `insert into ${stagingTableOf(kind)} (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
      Object.values(columns),
    );
  }
}

async function labelSetId(client: PoolClient, labels: Labels): Promise<number> {
  const json = canonicalLabels(labels);
  const hash = createHash('sha256').update(json).digest();
  const { rows } = await client.query<{ label_set_id: number }>(
    'select label_set_id from ocp_label_set_ids($1::bytea[], $2::jsonb[])',
    [[hash], [json]],
  );
  return rows[0]?.label_set_id ?? 0;
}

/** Register a cluster of the test tenant with one released manifest and partitions for one month. */
export async function createStagedSource(database: TestDatabase, month: string): Promise<StagedSource> {
  const clusterId = `cluster-${randomUUID().slice(0, 8)}`;
  const { sourceUuid } = await registerSource(
    { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
    { orgId: database.orgId, clusterId, name: 'alias' },
  );
  const client = await database.pool.connect();
  try {
    await ensureMonthlyPartitions(client, {
      schema: database.schema,
      months: [month],
      tables: monthlyTables,
    });
  } finally {
    client.release();
  }
  const ids = await inTenantTransaction(database.pool, database.schema, async (tenant) => {
    const { rows } = await tenant.query<{ id: number }>(
      `insert into reporting_ocpusagereportperiod (cluster_id, cluster_alias, report_period_start, report_period_end, provider_id)
       values ($1, 'alias', $2::date, $2::date + interval '1 month', $3) returning id`,
      [clusterId, `${month}-01`, sourceUuid],
    );
    const manifest = await tenant.query<{ manifest_id: number }>(
      `insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports, release)
       values (
           nextval(pg_get_serial_sequence('public.reporting_common_costusagereportmanifest', 'id')),
           $1, gen_random_uuid(), now(), true, 'complete'
       )
       returning manifest_id`,
      [sourceUuid],
    );
    return { reportPeriodId: rows[0]?.id ?? 0, manifestId: manifest.rows[0]?.manifest_id ?? 0 };
  });
  return new StagedSource(database, { sourceUuid, clusterId, ...ids });
}
