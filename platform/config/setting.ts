import { z } from 'zod';
import { msPerDay } from '../../domain/time/usage-day.ts';

/** One environment variable: how it is parsed, what it means, and its default. */
export interface Setting<T extends z.ZodType> {
  schema: T;
  fallback?: string;
  meaning: string;
  /** never displayed */
  secret?: true;
}

/** Describe one environment variable. */
export const setting = <T extends z.ZodType>(schema: T, meaning: string, fallback?: string): Setting<T> => ({
  schema,
  meaning,
  ...(fallback === undefined ? {} : { fallback }),
});

/** The same for a value that is never displayed. */
export const secretSetting = <T extends z.ZodType>(
  schema: T,
  meaning: string,
  fallback?: string,
): Setting<T> & { secret: true } => ({ ...setting(schema, meaning, fallback), secret: true });

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: msPerDay } as const;

/** A duration such as `30s`, `15m`, `24h`; the value is milliseconds. */
export const durationMs = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'expected a whole number with a unit: ms, s, m, h or d, for example 15m')
  .transform((text) => {
    const unit = text.replace(/^\d+/, '') as keyof typeof unitMs;
    return Number.parseInt(text, 10) * unitMs[unit];
  });

/** A whole number within limits. */
export const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
