import { MAX_BELIEVED_VALUE } from './report-kind.ts';

/** What a field of a number column holds (DOMAIN §1.4). */
export type ReportNumber =
  /** a number, without the blanks around it */
  | { readonly state: 'number'; readonly text: string }
  /** nothing, or blanks */
  | { readonly state: 'blank' }
  /** a word for "absent": treated like blank, but reported, because the sender should know */
  | { readonly state: 'left out' }
  | { readonly state: 'bad'; readonly reason: string };

const numberForm = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** How programs print an absent number, in lower case. */
const absentForms: ReadonlySet<string> = new Set(['nan', 'null', 'none', 'nil', '<nil>', 'n/a', '-']);
const maxAbsentFormLength = 5;

const blank: ReportNumber = { state: 'blank' };
const leftOut: ReportNumber = { state: 'left out' };

/**
 * Parse a field of a number column.
 * @param below the magnitude must stay below this, for a column that holds less than what is plausible
 */
export function readReportNumber(field: string, below?: number): ReportNumber {
  if (field === '') return blank;
  const text = withoutBlanks(field);
  if (text === '') return blank;
  if (!numberForm.test(text)) {
    if (text.length <= maxAbsentFormLength && absentForms.has(text.toLowerCase())) return leftOut;
    return { state: 'bad', reason: `expected a number, found "${text.slice(0, 40)}"` };
  }
  // For negative values and in every column too: the summary's numbers would overflow, and no retry would help.
  const size = Math.abs(Number(text));
  if (size > MAX_BELIEVED_VALUE)
    return { state: 'bad', reason: `expected at most 1e18, found ${text.slice(0, 40)}` };
  if (below !== undefined && size >= below)
    return { state: 'bad', reason: `expected less than ${below}, found ${text.slice(0, 40)}` };
  return { state: 'number', text };
}

/** Below zero, judged by its digits: `-0.00` is not. */
export function isNegative(number: string): boolean {
  return /^-[^eE]*[1-9]/.test(number);
}

/** Without spaces and tabs at both ends. */
function withoutBlanks(field: string): string {
  const isBlank = (at: number) => field[at] === ' ' || field[at] === '\t';
  let start = 0;
  let end = field.length;
  while (start < end && isBlank(start)) start += 1;
  while (end > start && isBlank(end - 1)) end -= 1;
  return start === 0 && end === field.length ? field : field.slice(start, end);
}
