const locale = 'en-US';

/** 1,234.56 with the sign of the currency, which no other has: CA$; an unknown currency by its code. */
export function money(value: number, currency: string): string {
  const clean = Math.abs(value) < 0.005 ? 0 : value;
  try {
    return new Intl.NumberFormat(locale, { style: 'currency', currency }).format(clean);
  } catch {
    return `${amount(clean, 2)} ${currency}`;
  }
}

/** The same with a sign before what is not negative. */
export function change(value: number, currency: string): string {
  return `${Math.abs(value) < 0.005 ? '±' : value > 0 ? '+' : ''}${money(value, currency)}`;
}

/** 1,234.5 */
export function amount(value: number, digits = 1): string {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: 0, maximumFractionDigits: digits }).format(
    Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value,
  );
}

/** +12.3 %; new where there was nothing before */
export function signedPercent(value: number | null): string {
  return value === null ? 'new' : `${value > 0 ? '+' : ''}${amount(value)} %`;
}

/** For an axis: 1.2k, 3M */
export function compact(value: number): string {
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** "1 day", "3 days" */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
