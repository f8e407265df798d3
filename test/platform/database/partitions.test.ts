import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import pg from 'pg';
import { migratePublic, migrateTenant } from '../../../platform/migrations/migrate.ts';
import {
  ensureMonthlyPartitions,
  monthBounds,
  partitionName,
} from '../../../platform/database/partitions.ts';
import { kokuDatabase } from '../migrations/support/koku.ts';
import { execute, startTestPostgres, withClient } from '../migrations/support/postgres.ts';
import type { TestPostgres } from '../migrations/support/postgres.ts';

const log = { info: () => undefined };
const daily = 'reporting_ocpusagelineitem_daily_summary';
const costs = 'reporting_ocp_cost_summary_p';

let postgres: TestPostgres;
let url: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
});

afterAll(() => postgres.stop());

/** Partitions of a table with their bounds as PostgreSQL prints them, in order of their names. */
async function partitionsOf(table: string): Promise<string[]> {
  const rows = await execute<{ line: string }>(
    url,
    `select c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) as line
     from pg_inherits i
     join pg_class c on c.oid = i.inhrelid
     where i.inhparent = ('org1.' || $1)::regclass
     order by 1`,
    [table],
  );
  return rows.map(({ line }) => line);
}

async function ensure(tables: string[], months: string[]): Promise<string[]> {
  return withClient(
    url,
    async (client) => (await ensureMonthlyPartitions(client, { schema: 'org1', tables, months })).created,
  );
}

async function insertCost(day: string, cost: number): Promise<void> {
  await execute(
    url,
    `insert into org1.${costs} (id, cluster_id, usage_start, usage_end, infrastructure_raw_cost)
     values (gen_random_uuid(), 'c1', '${day}', '${day}', ${cost})`,
  );
}

async function costsByPartition(): Promise<object[]> {
  return execute(
    url,
    `select tableoid::regclass::text as partition, usage_start::text as day, infrastructure_raw_cost::integer as cost
     from org1.${costs}
     order by usage_start, cost`,
  );
}

describe('months', () => {
  it('run from the first day to the first day of the next month, across years and leap days', () => {
    expect(monthBounds('2026-10')).toEqual({ from: '2026-10-01', to: '2026-11-01' });
    expect(monthBounds('2026-12')).toEqual({ from: '2026-12-01', to: '2027-01-01' });
    expect(monthBounds('2028-02')).toEqual({ from: '2028-02-01', to: '2028-03-01' });
    expect(partitionName(daily, '2026-01')).toBe(`${daily}_2026_01`);
  });

  it.each(['2026-13', '2026-00', '2026-1', '202610', `2026-01'; drop`, ''])('refuse %j', (month) => {
    expect(() => monthBounds(month)).toThrow(/expected YYYY-MM/);
  });
});

describe('partitions of a database of our own', () => {
  beforeEach(async () => {
    url = await postgres.createDatabase();
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
  });

  it('are created once per table and month, with keys and references, and entered in the register', async () => {
    expect(await ensure([daily, costs], ['2026-12', '2027-01'])).toEqual([
      `${costs}_2026_12`,
      `${costs}_2027_01`,
      `${daily}_2026_12`,
      `${daily}_2027_01`,
    ]);
    expect(await ensure([daily, costs], ['2026-12', '2027-01'])).toEqual([]);
    expect(await partitionsOf(daily)).toEqual([
      `${daily}_2026_12 FOR VALUES FROM ('2026-12-01') TO ('2027-01-01')`,
      `${daily}_2027_01 FOR VALUES FROM ('2027-01-01') TO ('2027-02-01')`,
      `${daily}_default DEFAULT`,
    ]);
    const registered = await execute(
      url,
      `select partition_of_table_name, partition_type, partition_col, partition_parameters, active
         from org1.partitioned_tables
         where table_name = '${daily}_2026_12' and schema_name = 'org1'`,
    );
    expect(registered).toEqual([
      {
        partition_of_table_name: daily,
        partition_type: 'range',
        partition_col: 'usage_start',
        partition_parameters: { default: false, from: '2026-12-01', to: '2027-01-01' },
        active: true,
      },
    ]);
    const shapes = await execute<{ shape: string }>(
      url,
      `select distinct concat_ws(' | ',
             (select count(*) from pg_index where indrelid = c.oid),
             (select string_agg(pg_get_constraintdef(oid), ', ' order by pg_get_constraintdef(oid)) from pg_constraint
              where conrelid = c.oid and contype in ('p', 'f', 'c'))) as shape
         from pg_class c
         where c.oid in ('org1.${daily}_2026_12'::regclass, 'org1.${daily}_default'::regclass)`,
    );
    expect(shapes).toHaveLength(1);
    expect(shapes[0]?.shape).toMatch(/^5 \| FOREIGN KEY .*report_period_id.*PRIMARY KEY/s);
  });

  it('take each day from the first of the month to the last, and no other', async () => {
    await ensure([costs], ['2026-12', '2027-01']);
    const days = ['2026-11-30', '2026-12-01', '2026-12-31', '2027-01-01', '2027-01-31', '2027-02-01'];
    for (const [index, day] of days.entries()) await insertCost(day, index);
    expect(await costsByPartition()).toEqual(
      ['default', '2026_12', '2026_12', '2027_01', '2027_01', 'default'].map((suffix, index) => ({
        partition: `org1.${costs}_${suffix}`,
        day: days[index],
        cost: index,
      })),
    );
  });

  it('take over the rows of their month that the default partition caught, and only those', async () => {
    for (const [index, day] of ['2026-10-01', '2026-10-31', '2026-11-01', '2026-09-30'].entries())
      await insertCost(day, index);
    expect(await ensure([costs], ['2026-10'])).toEqual([`${costs}_2026_10`]);
    expect(await costsByPartition()).toEqual([
      { partition: `org1.${costs}_default`, day: '2026-09-30', cost: 3 },
      { partition: `org1.${costs}_2026_10`, day: '2026-10-01', cost: 0 },
      { partition: `org1.${costs}_2026_10`, day: '2026-10-31', cost: 1 },
      { partition: `org1.${costs}_default`, day: '2026-11-01', cost: 2 },
    ]);
    const [left] = await execute(
      url,
      `select count(*)::integer as checks from pg_constraint where conname = 'ocp_month_check'`,
    );
    expect(left).toEqual({ checks: 0 });
  });

  it('can be asked for by eight clients at once: each is created by exactly one of them', async () => {
    const months = ['2026-10', '2026-11', '2026-12'];
    await insertCost('2026-11-05', 7);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        ensure(
          index % 2 === 0 ? [daily, costs] : [costs, daily],
          index % 3 === 0 ? months.toReversed() : months,
        ),
      ),
    );
    const expected = [costs, daily].flatMap((table) => months.map((month) => partitionName(table, month)));
    expect(results.flat().sort()).toEqual(expected.sort());
    expect(await partitionsOf(costs)).toHaveLength(4);
    expect(await costsByPartition()).toEqual([
      { partition: `org1.${costs}_2026_11`, day: '2026-11-05', cost: 7 },
    ]);
  });

  it('of staging tables have bounds at midnight UTC, whatever the time zone of the session, and are not registered', async () => {
    const staging = 'reporting_ocpusagelineitem_pod_staging';
    const created = await withClient(url, async (client) => {
      await client.query(`set timezone = 'America/Los_Angeles'`);
      return ensureMonthlyPartitions(client, { schema: 'org1', tables: [staging], months: ['2026-12'] });
    });
    expect(created).toEqual({ created: [`${staging}_2026_12`] });
    const [bounds] = await execute<{ bounds: string }>(
      url,
      `select pg_get_expr(relpartbound, oid) as bounds,
                (select count(*)::integer from org1.partitioned_tables where partition_of_table_name = $1) as registered
         from set_config('timezone', 'UTC', false), pg_class
         where oid = ('org1.' || $1 || '_2026_12')::regclass`,
      [staging],
    );
    expect(bounds).toEqual({
      bounds: `FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')`,
      registered: 0,
    });
  });

  it('let readers and writers of other months go on, and give up with a retryable error when the lock is not free', async () => {
    await ensure([costs], ['2026-10']);
    await withClient(url, async (busy) => {
      await busy.query('begin');
      await busy.query(
        `insert into org1.${costs} (id, cluster_id, usage_start, usage_end)
           values (gen_random_uuid(), 'c1', '2026-10-02', '2026-10-02')`,
      );
      expect(await ensure([costs], ['2026-11'])).toEqual([`${costs}_2026_11`]);
      await busy.query(`lock table org1.${costs}_default in access share mode`);
      const refusal = await ensure([costs], ['2026-12']).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ type: 'PartitionBusy', retryable: true });
      expect(String(refusal)).toMatch(
        /Partition org1\.\S+_2026_12 could not be created: .* within 5 s; try again/,
      );
      await busy.query('commit');
    });
    expect(await ensure([costs], ['2026-12'])).toEqual([`${costs}_2026_12`]);
  });

  it('are refused for a table that is absent or not partitioned, and when the name is taken', async () => {
    await expect(ensure(['no_such_table'], ['2026-10'])).rejects.toThrow(
      'Table org1.no_such_table is absent or not partitioned by range of one date or timestamptz column; migrate the tenant schema',
    );
    await expect(ensure(['cost_model'], ['2026-10'])).rejects.toMatchObject({ type: 'PartitionFailed' });
    await execute(url, `create table org1.${costs}_2026_10 (id integer)`);
    await expect(ensure([costs], ['2026-10'])).rejects.toThrow(
      `Partition org1.${costs}_2026_10 cannot be created: a table of that name exists but is not attached to ${costs}; attach, rename or drop that table`,
    );
    await execute(
      url,
      `create table org1.${costs}_odd partition of org1.${costs} for values from ('2026-11-15') to ('2026-11-20')`,
    );
    await expect(ensure([costs], ['2026-11'])).rejects.toThrow(
      /would overlap partition.*check owner and existing/,
    );
    expect(
      await execute(url, `select from org1.partitioned_tables where table_name = '${costs}_2026_11'`),
    ).toEqual([]);
  });

  it('come back after one was dropped but stayed in the register', async () => {
    await ensure([costs], ['2026-10']);
    await execute(url, `drop table org1.${costs}_2026_10; update org1.partitioned_tables set active = false`);
    expect(await ensure([costs], ['2026-10'])).toEqual([`${costs}_2026_10`]);
    expect(
      await execute(url, `select active from org1.partitioned_tables where table_name = '${costs}_2026_10'`),
    ).toEqual([{ active: true }]);
  });

  it('cost one query when all are there', async () => {
    await ensure([daily, costs], ['2026-10', '2026-11']);
    await withClient(url, async (client) => {
      const texts: string[] = [];
      const recording = new Proxy(client, {
        get: (target, key) =>
          key === 'query'
            ? (text: string, values: unknown[]) => {
                texts.push(text);
                return target.query(text, values);
              }
            : (Reflect.get(target, key) as unknown),
      });
      expect(recording).toBeInstanceOf(pg.Client);
      await ensureMonthlyPartitions(recording, {
        schema: 'org1',
        tables: [daily, costs],
        months: ['2026-10', '2026-11'],
      });
      // in a transaction of our settings
      expect(texts.filter((text) => !/^(begin|commit)/.test(text))).toHaveLength(1);
    });
  });
});

describe('partitions of a database that Koku migrated', () => {
  beforeEach(async () => {
    url = await postgres.createDatabase();
    await execute(
      url,
      `${kokuDatabase('org1')}
       insert into partitioned_tables
         (schema_name, table_name, partition_of_table_name, partition_type, partition_col, partition_parameters, active)
       values ('org1', '${costs}_default', '${costs}', 'range', 'usage_start', '{"default": true}', true)`,
    );
    await migratePublic(url, log);
    await migrateTenant(url, 'org1', log);
  });

  it('are created by the register, with the rows that the default partition had caught', async () => {
    await insertCost('2026-10-03', 1);
    await insertCost('2026-11-03', 2);
    expect(await ensure([costs], ['2026-10', '2026-11'])).toEqual([`${costs}_2026_10`, `${costs}_2026_11`]);
    expect(await costsByPartition()).toEqual([
      { partition: `org1.${costs}_2026_10`, day: '2026-10-03', cost: 1 },
      { partition: `org1.${costs}_2026_11`, day: '2026-11-03', cost: 2 },
    ]);
    const rows = await execute<{ by: string }>(
      url,
      `select obj_description(c.oid, 'pg_class') as by from pg_class c where relname in ('${costs}_2026_10', '${costs}_2026_11')`,
    );
    expect(rows).toEqual([{ by: 'created by the register' }, { by: 'created by the register' }]);
    expect(await execute(url, `select relname from pg_class where relname like '%\\_aside'`)).toEqual([]);
  });

  it('are asked for by eight clients at once and created once', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => ensure([costs], ['2026-10'])));
    expect(results.flat()).toEqual([`${costs}_2026_10`]);
  });

  it('are refused, and nothing is left behind, when the trigger does not create them', async () => {
    await insertCost('2026-10-03', 1);
    await execute(
      url,
      `create or replace function org1.create_registered_partition() returns trigger language plpgsql as 'begin return null; end'`,
    );
    await expect(ensure([costs], ['2026-10'])).rejects.toThrow(
      `Partition org1.${costs}_2026_10 was not created by the trigger on org1.partitioned_tables; check that trigger, or remove it`,
    );
    expect(
      await execute(url, `select from org1.partitioned_tables where table_name like '%2026\\_10'`),
    ).toEqual([]);
    expect(await costsByPartition()).toEqual([
      { partition: `org1.${costs}_default`, day: '2026-10-03', cost: 1 },
    ]);
  });
});
