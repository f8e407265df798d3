import { expect, test } from 'vitest';
import { remembered } from '../../reports/fast-path/remembered.ts';
import type { RememberingBounds } from '../../reports/fast-path/remembered.ts';

/** A memory that counts how often it has to compute; the value is the text's length. */
function counted(bounds?: RememberingBounds): { lengthOf: (text: string) => number; computed: string[] } {
  const computed: string[] = [];
  const compute = (text: string) => {
    computed.push(text);
    return text.length;
  };
  return { lengthOf: remembered(compute, bounds), computed };
}

test('a text is computed once', () => {
  const { lengthOf, computed } = counted();
  expect(['hour', 'minute', 'hour'].map(lengthOf)).toEqual([4, 6, 4]);
  expect(computed).toEqual(['hour', 'minute']);
});

test('the memory of a file keeps what it knows when it is full, and computes the rest each time', () => {
  const { lengthOf, computed } = counted({ maxTexts: 2, maxCharacters: 100, whenFull: 'keep' });
  for (const text of ['a', 'b', 'c', 'a', 'b', 'c']) lengthOf(text);
  expect(computed).toEqual(['a', 'b', 'c', 'c']);
});

test('the memory of the process forgets all when it is full, so that no file fills it for good', () => {
  const { lengthOf, computed } = counted({ maxTexts: 2, maxCharacters: 100, whenFull: 'forget' });
  // "c" finds two and empties it; "a" and "c" fill it again, so "b" empties it again.
  for (const text of ['a', 'b', 'c', 'c', 'a', 'c', 'b', 'c']) lengthOf(text);
  expect(computed).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

test('it is full by characters too: ten texts of a hundred are as much as a thousand', () => {
  const tens = Array.from({ length: 10 }, (_, index) => String(index).repeat(100));
  const kept = counted({ maxTexts: 1_000, maxCharacters: 500, whenFull: 'keep' });
  for (const text of [...tens, ...tens]) kept.lengthOf(text);
  // Five are kept, the other five are computed twice.
  expect(kept.computed).toHaveLength(10 + 5);
  const forgot = counted({ maxTexts: 1_000, maxCharacters: 500, whenFull: 'forget' });
  for (const text of [...tens, ...tens]) forgot.lengthOf(text);
  // It holds the last five, so each comes back after five others.
  expect(forgot.computed).toHaveLength(20);
});

test('a text of hostile length is never kept, and costs the others nothing', () => {
  for (const whenFull of ['keep', 'forget'] as const) {
    const { lengthOf, computed } = counted({ maxTexts: 3, maxCharacters: 2_000, whenFull });
    const hostile = 'x'.repeat(2_001);
    for (const text of ['a', hostile, hostile, 'a']) expect(lengthOf(text)).toBe(text.length);
    expect(computed).toEqual(['a', hostile, hostile]);
  }
});
