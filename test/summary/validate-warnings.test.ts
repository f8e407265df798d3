import { beforeAll, expect, test } from 'vitest';
import { isDiscrepancy } from '../../activities/validate-days.ts';
import { usageDay } from '../../domain/time/usage-day.ts';
import { listValidationWarnings } from '../../summary/validation-warnings.ts';
import type { ValidationWarningFilter } from '../../summary/validation-warnings.ts';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { month } from './labelled-days.ts';

let source: StagedSource;
let other: StagedSource;

beforeAll(async () => {
  const database = await createTestDatabase();
  source = await createStagedSource(database, month);
  other = await createStagedSource(database, month);
  await note(source, '2026-10-01', ['storage_rows', 'pod_rows']);
  await note(source, '2026-10-09', ['pod_rows']);
  await note(other, '2026-10-05', ['pod_rows']);
});

/** A summarised day with warnings. */
async function note(of: StagedSource, day: string, checks: string[]): Promise<void> {
  await of.query(
    `with summarised as (
         insert into ocp_day (source_uuid, usage_day, version, pieces_hash, settings_hash, rules)
         values ($1, $2, 4, 'none', '', 'koku')
     )
     insert into ocp_validation_warning (source_uuid, usage_day, version, check_name, expected, found)
     select $1, $2, 4, check_name, 3, 2.5
     from unnest($3::text[]) as failed (check_name)`,
    [of.sourceUuid, day, checks],
  );
}

async function list(filter: Partial<ValidationWarningFilter>): Promise<string[]> {
  const { pool, schema } = source.database;
  const found = await listValidationWarnings(pool, schema, { limit: 10, ...filter });
  return found.map((warning) => `${warning.usageDay} ${warning.checkName}`);
}

test('warnings of all sources are listed, latest day first', async () => {
  expect(await list({})).toEqual([
    '2026-10-09 pod_rows',
    '2026-10-05 pod_rows',
    '2026-10-01 pod_rows',
    '2026-10-01 storage_rows',
  ]);
});

test('warnings are listed by source, by day, and no more than asked for', async () => {
  expect(await list({ sourceUuid: other.sourceUuid })).toEqual(['2026-10-05 pod_rows']);
  expect(await list({ limit: 1 })).toEqual(['2026-10-09 pod_rows']);
  expect(await list({ from: usageDay('2026-10-05') })).toEqual([
    '2026-10-09 pod_rows',
    '2026-10-05 pod_rows',
  ]);
  expect(await list({ from: usageDay('2026-10-02'), until: usageDay('2026-10-05') })).toEqual([
    '2026-10-05 pod_rows',
  ]);
});

test('a warning says what was checked and what was found', async () => {
  const { pool, schema } = source.database;
  const [warning] = await listValidationWarnings(pool, schema, { sourceUuid: other.sourceUuid, limit: 1 });
  expect(warning).toEqual({
    sourceUuid: other.sourceUuid,
    clusterAlias: 'alias',
    usageDay: '2026-10-05',
    version: 4,
    checkName: 'pod_rows',
    expected: 3,
    found: 2.5,
    notedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
  });
});

test('warnings go with the day that the ledger forgets', async () => {
  await note(other, '2026-10-20', ['pod_rows']);
  expect(await list({ from: usageDay('2026-10-20') })).toEqual(['2026-10-20 pod_rows']);
  await source.query(`delete from ocp_day where usage_day = '2026-10-20'`);
  expect(await list({ from: usageDay('2026-10-20') })).toEqual([]);
});

test.for([
  [1, 1 + 2e-6, 1, true],
  [1, 1 + 5e-7, 1, false],
  [1e6, 1e6 + 5e-4, 1e6, false],
  [1e6, 1e6 + 2e-3, 1e6, true],
  [0, 0.5, 1e9, false],
  [0, Number.NaN, 0, true],
] as const)('expected %d, found %d of %d: discrepancy %s', ([expected, found, scale, answer]) => {
  expect(isDiscrepancy({ expected, found, scale })).toBe(answer);
});
