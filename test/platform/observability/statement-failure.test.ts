import { ApplicationFailure } from '@temporalio/common';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statementFailure, toApplicationFailure } from '../../../platform/temporal/activity-failure.ts';
import { createTestDatabase } from '../../support/database.ts';

let client: PoolClient;

beforeAll(async () => {
  const { pool } = await createTestDatabase();
  client = await pool.connect();
  await client.query(
    `create temporary table held (
         id integer constraint held_once primary key,
         label text not null,
         share integer constraint held_share check (share < 5)
     )`,
  );
  await client.query(`insert into held values (1, 'secret-label', 1)`);
});
afterAll(() => {
  client.release();
});

async function failureOf(statement: string): Promise<unknown> {
  return client.query(statement).then(
    () => undefined,
    (error: unknown) => error,
  );
}

test.for<[what: string, statement: string, expected: Record<string, unknown>, place: RegExp]>([
  [
    'a key that is there already',
    `insert into held values (1, 'secret-label', 1)`,
    { sqlState: '23505', table: 'held', constraint: 'held_once', detail: 'Key (id)=(1) already exists.' },
    /; table held, constraint held_once$/,
  ],
  [
    'a check',
    `insert into held values (2, 'secret-label', 7)`,
    { sqlState: '23514', table: 'held', constraint: 'held_share' },
    /; table held, constraint held_share$/,
  ],
  [
    'a value that is missing',
    `insert into held values (3, null, 1)`,
    { sqlState: '23502', table: 'held', column: 'label' },
    /; table held, column label$/,
  ],
  // "nothing" begins at character 8.
  ['a column that is not there', 'select nothing from held', { sqlState: '42703', position: '8' }, /nothing/],
])('%s is logged with its place, and the failure names it', async ([, statement, expected, place]) => {
  const error = await failureOf(statement);
  expect(statementFailure(error)).toMatchObject({ ...expected, error });
  const wrapped = new Error('the step failed', { cause: error });
  expect(statementFailure(wrapped), 'also as a cause').toMatchObject({ ...expected, error: wrapped });
  const failure = toApplicationFailure(error);
  if (!(failure instanceof ApplicationFailure)) throw new Error('no failure');
  expect(failure.message).toMatch(place);
  // What goes into histories holds no value of a row.
  expect(failure.message).not.toContain('secret-label');
});

test('what is no error of PostgreSQL is not logged as one', () => {
  expect(statementFailure(new Error('refused'))).toBeUndefined();
  expect(statementFailure(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))).toBeUndefined();
  expect(statementFailure(undefined)).toBeUndefined();
});
