import { expect, test } from 'vitest';
import { refreshStagingStatistics } from '../../summary/staging-statistics.ts';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { waitUntil } from '../support/wait-until.ts';
import { presentMonth } from './year-of-clusters.ts';

const table = 'reporting_ocpusagelineitem_pod_staging_2026_10';

test('statistics of a partition follow a large load, and are left alone after a small one', async () => {
  const database = await createTestDatabase();
  const { pool, schema } = database;
  const source = await createStagedSource(database, presentMonth);
  // Autovacuum would be a second one that makes statistics.
  await source.query(`alter table ${table} set (autovacuum_enabled = off)`);
  const load = async (pieceId: number, rowCount: number, seen: number) => {
    await source.query(
      `insert into ${table} (interval_start, piece_id, label_set_id, source_uuid, report_period_id, node)
       select '2026-10-01T00:00:00Z', $1, 1, $2, $3, 'w' from generate_series(1, $4::integer)`,
      [pieceId, source.sourceUuid, source.reportPeriodId, rowCount],
    );
    // The server publishes what a transaction changed a moment later.
    await waitUntil(async () => {
      const [activity] = await source.query<{ rows: number }>(
        'select n_tup_ins as rows from pg_stat_user_tables where relid = $1::regclass',
        [`${schema}.${table}`],
      );
      return activity?.rows === seen;
    });
    await refreshStagingStatistics(pool, schema, presentMonth);
  };
  const known = async () => {
    const [row] = await source.query<{ rows: number }>(
      'select reltuples::bigint as rows from pg_class where oid = $1::regclass',
      [`${schema}.${table}`],
    );
    return row?.rows;
  };
  await load(1, 1_000, 1_000);
  expect(await known()).toBe(-1);
  await load(2, 60_000, 61_000);
  expect(await known()).toBe(61_000);
  await load(3, 5_000, 66_000);
  expect(await known()).toBe(61_000);
});
