import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkedDecimal } from '../../domain/costs/decimal.ts';

const limits = { integerDigits: 18, fractionDigits: 15 };
const plain = (text: string) => {
  const checked = checkedDecimal(text, limits);
  return 'value' in checked ? checked.value.text : checked.problem;
};

test.each([
  ['0.10', '0.10'],
  ['007', '7'],
  ['+5.', '5'],
  ['.5', '0.5'],
  ['-.50', '-0.50'],
  ['-0.00', '0'],
  ['0e999999999', '0'],
  ['12.5e1', '125'],
  ['12.5e3', '12500'],
  ['12.5e-3', '0.0125'],
  ['0.0000000000000000125e5', '0.00000000000125'],
  ['999999999999999999', '999999999999999999'],
  ['1000000000000000000', 'expected at most 18 digits before the point, found 1000000000000000000'],
  ['0.1000000000000000000', '0.1000000000000000000'],
  ['0.0000000000000001', 'expected at most 15 digits after the point, found 0.0000000000000001'],
  ['1e400', 'expected at most 18 digits before the point, found 1e400'],
  ['', 'expected a number, found ""'],
  ['.', 'expected a number, found "."'],
  ['1,5', 'expected a number, found "1,5"'],
  ['NaN', 'expected a number, found "NaN"'],
])('%s is %s', (text, expected) => {
  expect(plain(text)).toBe(expected);
});

test('the value stays, however the number is written', () => {
  // A BigInt with its scale is the value: 12.5e1 = 125 = 125 / 10^0.
  const digits = fc.stringMatching(/^[0-9]{1,6}$/);
  fc.assert(
    fc.property(digits, digits, fc.integer({ min: -6, max: 6 }), (whole, fraction, exponent) => {
      const text = plain(`${whole}.${fraction}e${exponent}`);
      const [integerPart = '', fractionPart = ''] = text.split('.');
      const scale = fraction.length - exponent;
      const found = BigInt(integerPart + fractionPart.padEnd(20, '0'));
      expect(found).toBe(BigInt(whole + fraction) * 10n ** BigInt(20 - scale));
      expect(text).toMatch(/^(0|[1-9]\d*)(\.\d+)?$/);
    }),
  );
});
