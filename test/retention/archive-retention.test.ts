import { expect, test } from 'vitest';
import { loadConfig } from '../../platform/config/config.ts';

test.each([
  [{ ARCHIVE_RETENTION: '3' }, 'ARCHIVE_RETENTION: expected at least 4 months (RETAIN_NUM_MONTHS), found 3'],
  [
    { ARCHIVE_RETENTION: '6', RETAIN_NUM_MONTHS: '12' },
    'ARCHIVE_RETENTION: expected at least 12 months (RETAIN_NUM_MONTHS), found 6',
  ],
  [{ ARCHIVE_RETENTION: '0' }, 'ARCHIVE_RETENTION:'],
  [{ ARCHIVE_RETENTION: '90d' }, 'ARCHIVE_RETENTION:'],
])('an archive that is kept for fewer months than the summaries is refused: %j', (environment, problem) => {
  expect(() => loadConfig(environment)).toThrow(problem);
});

test.each([
  [{ ARCHIVE_RETENTION: '4' }, 4],
  [{ ARCHIVE_RETENTION: '12', RETAIN_NUM_MONTHS: '12' }, 12],
  [{ RETAIN_NUM_MONTHS: '12' }, undefined],
])('otherwise it is taken: %j', (environment, months) => {
  expect(loadConfig(environment).ARCHIVE_RETENTION).toBe(months);
});
