import type { z } from 'zod';
import { Decimal } from '../domain/costs/decimal.ts';

/** Where in a document, and what is wrong there. */
export interface DocumentProblem {
  path: readonly PropertyKey[];
  message: string;
}

/** For example `rates[3].tiered_rates[0].value: expected 0 or more, found -1`. */
export function describeProblem({ path, message }: DocumentProblem): string {
  const place = path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
  return place === '' ? message : `${place}: ${message}`;
}

const nounOf: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** What Zod found, in our words. The issues must carry their input (`reportInput`). */
export function problemsOf(issues: readonly z.core.$ZodIssue[]): DocumentProblem[] {
  return issues.flatMap((issue): DocumentProblem[] => {
    const { path } = issue;
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({ path: [...path, key], message: 'no such field' }));
      case 'invalid_type':
        return [{ path, message: expectedOf(nounOf[issue.expected] ?? issue.expected, issue.input) }];
      case 'invalid_value':
        return [{ path, message: expectedOf(oneOf(issue.values.map(String)), issue.input) }];
      case 'too_small':
        return [
          {
            path,
            message: issue.origin === 'array' ? 'expected at least one entry' : 'expected a text, found none',
          },
        ];
      case 'too_big':
        return [
          { path, message: `expected at most ${issue.maximum} characters, found ${lengthOf(issue.input)}` },
        ];
      default:
        return [{ path, message: issue.message }];
    }
  });
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`;
}

function expectedOf(expected: string, input: unknown): string {
  return input === undefined
    ? `missing; expected ${expected}`
    : `expected ${expected}, found ${shown(input)}`;
}

/** A value as people recognise it in their file, cut where it is long. */
export function shown(input: unknown): string {
  if (input instanceof Decimal) return input.text.slice(0, 60);
  if (Array.isArray(input)) return 'a list';
  if (input !== null && typeof input === 'object') return 'an object';
  return JSON.stringify(typeof input === 'string' ? input.slice(0, 60) : input);
}

function lengthOf(input: unknown): number {
  return typeof input === 'string' ? input.length : 0;
}
