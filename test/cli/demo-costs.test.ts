import { expect, test } from 'vitest';
import { costTable } from '../../cli/demo-costs.ts';

const nothing = { memory: 0, volume: 0, gpu: 0 };

test('costs by project add up to the same before and after distribution', () => {
  const lines = costTable([
    { ...nothing, project: 'shop', cpu: 1.25, memory: 0.5, gpu: 2, distributed: 5 },
    { ...nothing, project: 'Worker unallocated', cpu: 5, distributed: -5.0000001 },
  ]).split('\n');
  const cells = lines.map((line) => line.trim().split(/ {2,}/));
  expect(cells).toContainEqual(['shop', '1.25', '0.50', '0', '3.75', '5', '8.75']);
  expect(cells).toContainEqual(['Worker unallocated', '5', '0', '0', '5', '-5', '0']);
  // 3.75 + 5 before, 8.75 after.
  expect(cells).toContainEqual(['all', '6.25', '0.50', '0', '8.75', '0', '8.75']);
});

test('without costs it says so', () => {
  expect(costTable([])).toBe('No costs');
});
