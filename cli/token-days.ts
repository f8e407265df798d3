import type { Argv } from 'yargs';
import { expectWhole } from './option-values.ts';

/** Hundred years: a longer life is none that anybody means. */
const maxDays = 36_500;
const secondsPerDay = 86_400;

/** Add the option that says how long a new token is valid. */
export function withTokenDays<T>(parser: Argv<T>): Argv<T & { days: number | undefined }> {
  return parser
    .option('days', { type: 'number', describe: 'days until it expires (default: it does not)' })
    .check(({ days }) => {
      expectWhole('days', days, [1, maxDays]);
      return true;
    });
}

/** Seconds until it expires; undefined: it does not. */
export function lifetimeOf({ days }: { days: number | undefined }): number | undefined {
  return days === undefined ? undefined : days * secondsPerDay;
}
