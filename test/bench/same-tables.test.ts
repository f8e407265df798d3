import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeEach, expect, test } from 'vitest';
import { privateBytes } from '../../bench/process-figures.ts';
import { differences, tableSums } from '../../bench/scenarios/same-tables.ts';
import type { TableSums } from '../../bench/scenarios/same-tables.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { ensurePartitionsOf } from '../../summary/ensure-partitions.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { waitUntil } from '../support/wait-until.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
  await ensurePartitionsOf(database.pool, database.schema, [billingMonth('2026-10')]);
});

/** Sums after a node of 3,600 core-seconds and another one, which can be named and placed. */
async function sumsWith(node: string, coreSeconds: number, day = '2026-10-01'): Promise<TableSums> {
  const { pool, schema } = database;
  return inTenantTransaction(pool, schema, async (client) => {
    await client.query('truncate ocp_capacity_day');
    await client.query(
      `insert into ocp_capacity_day (source_uuid, usage_day, node, capacity_cpu, capacity_memory, hour_count)
       select gen_random_uuid(), day, node, core_seconds, 1024, 24
       from (values ('2026-10-01'::date, 'node-1', 3600::float8), ($1, $2, $3)) as given (day, node, core_seconds)`,
      [day, node, coreSeconds],
    );
    return tableSums(client, schema);
  });
}

test('tables are the same whose sums differ by less than a billionth', async () => {
  const expected = await sumsWith('node-2', 7_200);
  expect(expected.get('ocp_capacity_day 2026-10-01')).toMatchObject({
    rows: 2,
    capacity_cpu: 10_800,
    hour_count: 48,
    node: 2,
  });
  // 5e-6 of 10,800 core-seconds is 4.6e-10.
  expect(differences(await sumsWith('node-2', 7_200.000_005), expected)).toEqual([]);
});

test('a sum, a name, or a day that differs is told', async () => {
  const expected = await sumsWith('node-2', 7_200);
  // 2e-5 of 10,800 core-seconds is 1.9e-9.
  expect(differences(await sumsWith('node-2', 7_200.000_02), expected)).toEqual([
    'ocp_capacity_day 2026-10-01, capacity_cpu: 10800.00002, expected 10800',
  ]);
  expect(differences(await sumsWith('node-1', 7_200), expected)).toEqual([
    'ocp_capacity_day 2026-10-01, node: 1, expected 2',
  ]);
  const moved = differences(await sumsWith('node-2', 7_200, '2026-10-02'), expected);
  expect(moved).toContain('ocp_capacity_day 2026-10-01, rows: 1, expected 2');
  expect(moved).toContain('ocp_capacity_day 2026-10-02, rows: 1, expected nothing');
});

test('memory of a server is that of its children too, and nothing when it has ended', async () => {
  // A shell has less than a megabyte of its own, a Node some.
  const server = spawn('sh', ['-c', `'${process.execPath}' -e 'setInterval(() => 0, 1000)' & wait`], {
    detached: true,
    stdio: 'ignore',
  });
  const { pid = NaN } = server;
  try {
    await waitUntil(async () => ((await privateBytes(pid)) ?? 0) > 3_000_000);
  } finally {
    process.kill(-pid);
    await once(server, 'exit');
  }
  expect(await privateBytes(pid)).toBeUndefined();
});
