/** Digits after the point of amounts of money: those of the daily summary. */
export const costScale = 15;
/** Digits after the point of quantities and prices. */
export const quantityScale = 20;
/** Digits in all that a decimal of the export may have. */
export const decimalPrecision = 38;

/**
 * A number of PostgreSQL as the export has it: plain, no trailing zeros, but one digit after the point at least, so
 * that no reader takes a column of whole numbers for integers. `310.000` → `310.0`, `-0.50` → `-0.5`.
 */
export function decimalText(numeric: string): string {
  const [whole = '', fraction = ''] = numeric.split('.');
  const kept = fraction.replace(/0+$/, '');
  return `${whole}.${kept === '' ? '0' : kept}`;
}

/**
 * The number times 10 to the power of `scale`, exactly.
 * @throws RangeError if it has digits beyond
 */
export function scaled(numeric: string, scale: number): bigint {
  const [whole = '', fraction = ''] = numeric.split('.');
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > scale)
    throw new RangeError(`Expected at most ${scale} digits after the point, found ${numeric}`);
  return BigInt(whole + kept.padEnd(scale, '0'));
}

/** The inverse of {@link scaled}, as {@link decimalText} writes it. */
export function unscaled(value: bigint, scale: number): string {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  return decimalText(`${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`);
}
