/**
 * A decimal number, exact: `digits` · 10^-scale. Sums of amounts are made with it, so that no cent is lost or gained on
 * the page. Numbers of the API are taken by the text that they have in JSON.
 */
export interface Decimal {
  digits: bigint;
  scale: number;
}

const form = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/i;

export const zero: Decimal = { digits: 0n, scale: 0 };

/** The decimal that a number of JSON is written as. @throws RangeError for what is no number */
export function decimalOf(value: number): Decimal {
  const [whole, sign, integer = '', fraction = '', exponent = '0'] = form.exec(String(value)) ?? [];
  if (whole === undefined) throw new RangeError(`expected a number, found ${value}`);
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${sign ?? ''}${integer}${fraction}`);
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale };
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const widened = ({ digits, scale: own }: Decimal) => digits * 10n ** BigInt(scale - own);
  return { digits: widened(a) + widened(b), scale };
}

export function minus(a: Decimal, b: Decimal): Decimal {
  return plus(a, { digits: -b.digits, scale: b.scale });
}

/** The exact sum of numbers as JSON writes them. */
export function sumOf(values: readonly number[]): Decimal {
  return values.reduce<Decimal>((sum, value) => plus(sum, decimalOf(value)), zero);
}

/** The nearest number, to draw it or to round it for people. */
export function numberOf({ digits, scale }: Decimal): number {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const split = text.length - scale;
  return Number(`${digits < 0n ? '-' : ''}${text.slice(0, split)}.${text.slice(split)}0`);
}
