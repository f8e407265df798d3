import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalLabels, parseLabels } from '../../domain/reports/labels.ts';

describe('the label column', () => {
  test.for([
    ['', {}],
    ['label_app:web|label_tier:front', { app: 'web', tier: 'front' }],
    ['nvidia_com_gpu_count:2', { nvidia_com_gpu_count: '2' }],
    ['label_app:', { app: '' }],
    ['label_app', {}],
    ['|', {}],
    ['||label_app:web||', { app: 'web' }],
    ['label_app:a:b', {}],
    ['a:b:c|label_app:web', { app: 'web' }],
    ['label_app:one|label_app:two', { app: 'two' }],
    ['label_app:one|app:two', { app: 'two' }],
    ['label_label_app:x', { app: 'x' }],
    ['my_label_app:x', { my_app: 'x' }],
    ['label_label:x', { label: 'x' }],
    ['label_app:label_x', { app: 'label_x' }],
    ['label_:x', { '': 'x' }],
    [':x', { '': 'x' }],
    [' label_app : web ', { ' app ': ' web ' }],
    ['label_ключ:значение|label_emoji:😀', { ключ: 'значение', emoji: '😀' }],
  ] as const)('%j is read as %j', ([text, expected]) => {
    expect({ ...parseLabels(text) }).toEqual(expected);
  });

  test('pieces with several colons are named to the caller, pieces without a colon are not', () => {
    const skipped: string[] = [];
    parseLabels('a:b:c|plain|label_url:http://x|label_app:web', (piece) => skipped.push(piece));
    expect(skipped).toEqual(['a:b:c', 'label_url:http://x']);
  });

  test('names that objects have by themselves are ordinary keys', () => {
    const labels = parseLabels('label___proto__:x|label_constructor:y|toString:z');
    expect(Object.keys(labels)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(canonicalLabels(labels)).toBe('{"__proto__":"x","constructor":"y","toString":"z"}');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

describe('canonical labels', () => {
  // What can stand in a piece: no separators, and keys without the prefix that is removed.
  const part = fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .map((text) => text.replaceAll(/[|:]/g, '').replaceAll('label_', ''));
  const pairs = fc.uniqueArray(fc.tuple(part, part), { selector: ([key]) => key, maxLength: 8 });
  const shuffledPairs = pairs.chain((listed) =>
    fc.tuple(fc.constant(listed), fc.shuffledSubarray(listed, { minLength: listed.length })),
  );
  const written = (listed: readonly (readonly [string, string])[]) =>
    listed.map(([key, value]) => `label_${key}:${value}`).join('|');

  test('do not depend on the order of the labels', () => {
    fc.assert(
      fc.property(shuffledPairs, ([listed, shuffled]) => {
        expect(canonicalLabels(parseLabels(written(shuffled)))).toBe(
          canonicalLabels(parseLabels(written(listed))),
        );
      }),
    );
  });

  test('hold exactly the labels that were written', () => {
    fc.assert(
      fc.property(pairs, (listed) => {
        const read = JSON.parse(canonicalLabels(parseLabels(written(listed)))) as Record<string, string>;
        expect(new Map(Object.entries(read))).toEqual(new Map(listed));
      }),
    );
  });

  test('escape what JSON must escape', () => {
    expect(canonicalLabels({ 'a"b': 'c\\d\n' })).toBe(String.raw`{"a\"b":"c\\d\n"}`);
    expect(canonicalLabels({})).toBe('{}');
  });
});
