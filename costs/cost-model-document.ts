import { PipelineError } from '../domain/failures/failures.ts';
import { modelOf } from './cost-model.ts';
import type { CostModel } from './cost-model.ts';
import { fallbackCurrency } from './default-currency.ts';
import { crossProblems } from './document-checks.ts';
import { describeProblem, problemsOf } from './document-problems.ts';
import type { DocumentProblem } from './document-problems.ts';
import { documentSchema } from './document-schema.ts';
import type { CostModelDocument } from './document-schema.ts';
import { readExact } from './exact-text.ts';
import type { Format } from './exact-text.ts';

/**
 * Read the document of a cost model.
 *
 * @param text JSON or YAML
 * @param source where it comes from, for messages: a file name
 * @param defaultCurrency of a document that names none; see {@link organisationCurrency}
 * @throws PipelineError `ConfigInvalid` with every problem and its path
 */
export function readCostModel(
  text: string,
  format: Format,
  source: string,
  defaultCurrency = fallbackCurrency,
): CostModel {
  const written = readExact(text, format, source);
  const value = isObject(written) ? { currency: defaultCurrency, ...written } : written;
  return modelOf(checkedDocument(value, source), defaultCurrency);
}

function checkedDocument(value: unknown, source: string): CostModelDocument {
  const { data, error } = documentSchema.safeParse(value, { reportInput: true });
  const problems = [...problemsOf(error?.issues ?? []), ...(isObject(value) ? crossProblems(value) : [])];
  if (data !== undefined && problems.length === 0) return data;
  throw documentRefused(source, problems);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The error that names every problem of a document. */
export function documentRefused(source: string, problems: readonly DocumentProblem[]): PipelineError {
  const lines = problems.map(describeProblem);
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  return new PipelineError('ConfigInvalid', [`${source}: ${count}`, ...lines].join('\n  '), {
    details: { source, problems: lines },
  });
}
