/** A number with the digits it was written with: money is never a binary fraction. */
export class Decimal {
  /** as written, for example `0.0070` or `1e400`; of a checked one without exponent, sign `+` or leading zeros */
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Most digits on each side of the point that a value may have, as `numeric(a, b)` limits them. */
export interface DecimalLimits {
  integerDigits: number;
  fractionDigits: number;
}

const form = /^([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/;

/**
 * A number as PostgreSQL and JSON read it, with the same digits: `.5` → `0.5`, `1e-3` → `0.001`, `0.10` stays.
 *
 * @returns what is wrong, as a sentence, when the text is no number or exceeds the limits
 */
export function checkedDecimal(
  text: string,
  limits: DecimalLimits,
): { value: Decimal } | { problem: string } {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = form.exec(text) ?? [];
  if (whole + fraction === '') return { problem: `expected a number, found ${JSON.stringify(text)}` };
  const written = whole + fraction;
  const firstDigit = written.search(/[1-9]/);
  if (firstDigit < 0) return { value: new Decimal('0') };
  // Before anything is written out: an exponent may ask for more zeros than there is memory.
  const point = whole.length + Number(exponent);
  if (point - firstDigit > limits.integerDigits)
    return { problem: `expected at most ${limits.integerDigits} digits before the point, found ${text}` };
  if (written.replace(/0+$/, '').length - point > limits.fractionDigits)
    return { problem: `expected at most ${limits.fractionDigits} digits after the point, found ${text}` };
  const minus = sign === '-' ? '-' : '';
  return { value: new Decimal(minus + placed(written, point)) };
}

/** Digits with the point after the first `point` of them, which may lie outside of them. */
function placed(digits: string, point: number): string {
  const whole = digits.slice(0, Math.max(point, 0)).padEnd(point, '0').replace(/^0+/, '');
  const fraction = point < 0 ? '0'.repeat(-point) + digits : digits.slice(point);
  return `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Is it less than 0? */
export function isNegative({ text }: Decimal): boolean {
  return text.startsWith('-');
}
