import { Document, parseDocument } from 'yaml';
import type { ParseOptions, ScalarTag, SchemaOptions, Tags } from 'yaml';
import { Decimal } from '../domain/costs/decimal.ts';
import { PipelineError } from '../domain/failures/failures.ts';

/** How a document is written. YAML is read as YAML 1.2, which JSON is a part of. */
export type Format = 'json' | 'yaml';

/** Largest document; a model with a thousand rates has a quarter of it. */
const maxCharacters = 2_000_000;

/** Numbers keep their digits: JSON.parse and the YAML core schema would make binary fractions of them. */
const decimals: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/,
  resolve: (text) => new Decimal(text),
  identify: (value) => value instanceof Decimal,
  stringify: ({ value }) => (value as Decimal).text,
};

const options: ParseOptions & SchemaOptions = {
  schema: 'failsafe',
  customTags: (tags): Tags => [...tags, 'null', 'bool', decimals],
};

/**
 * Read a document; every number in it becomes a {@link Decimal}.
 *
 * @param name of the document, for messages
 * @throws PipelineError `ConfigInvalid` with line and column when the text is not what it should be
 */
export function readExact(text: string, format: Format, name: string): unknown {
  if (text.length > maxCharacters)
    throw invalid(name, `expected at most ${maxCharacters} characters, found ${text.length}`);
  if (format === 'json') checkJson(text, name);
  const document = parseDocument(text, options);
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw invalid(name, `not ${wordOf[format]}: ${firstLine(problem.message)}`);
  try {
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch (error) {
    throw invalid(name, 'aliases (*name) are not supported; write the values out', error);
  }
}

const wordOf = { json: 'JSON', yaml: 'YAML' } as const satisfies Record<Format, string>;

/** YAML allows more than JSON does: a comma too many, a text without quotes. */
function checkJson(text: string, name: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw invalid(name, `not JSON: ${firstLine((error as Error).message)}`, error);
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.replace(/:$/, '') ?? '';
}

function invalid(name: string, problem: string, cause?: unknown): PipelineError {
  return new PipelineError('ConfigInvalid', `${name}: ${problem}`, { cause });
}

/** JSON text with the digits of every {@link Decimal}. @param indent spaces per level; 0: all on one line */
export function exactJson(value: unknown, indent = 0, level = 0): string {
  if (value instanceof Decimal) return value.text;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Array.isArray(value)
    ? value.map((entry) => exactJson(entry, indent, level + 1))
    : Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(
          ([key, entry]) =>
            `${JSON.stringify(key)}:${indent > 0 ? ' ' : ''}${exactJson(entry, indent, level + 1)}`,
        );
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (indent === 0 || entries.length === 0) return `${open}${entries.join(',')}${close}`;
  const margin = `\n${' '.repeat(indent * level)}`;
  const inner = margin + ' '.repeat(indent);
  return `${open}${inner}${entries.join(`,${inner}`)}${margin}${close}`;
}

/** YAML text with the digits of every {@link Decimal}. */
export function exactYaml(value: unknown): string {
  return new Document(value, options).toString({ lineWidth: 0 });
}
