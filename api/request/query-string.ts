import { contradiction, invalidParameter } from '../errors.ts';

/** One parameter of a URL: `filter[project]=web` has the name `filter`, the key `project` and the value `web`. */
export interface Parameter {
  name: string;
  key: string | undefined;
  value: string;
}

/** Limits of what one request may hold; beyond them it is refused before anything else looks at it. */
const maxParameters = 200;
const maxValueLength = 2_000;
/** Values after splitting at commas. */
export const maxValues = 1_000;

const nameForm = /^([a-z_]{1,40})(?:\[([^[\]]{1,600})\])?$/;
// Neither PostgreSQL nor a link can hold them.
const controlCharacter = /[\u0000-\u001f\u007f]/;

/**
 * Split the query of a URL, which is percent-encoded or not, into its parameters in their order.
 * @throws ApiError 400 for what cannot be a query of ours, whatever the endpoint
 */
export function parseQuery(query: string): Parameter[] {
  const parts = query.split('&').filter((part) => part !== '');
  if (parts.length > maxParameters)
    throw contradiction(`Expected at most ${maxParameters} parameters, found ${parts.length}.`);
  return parts.map((part) => {
    const [rawName = '', ...rest] = part.split('=');
    const name = decoded(rawName);
    const value = decoded(rest.join('='));
    const form = nameForm.exec(name);
    if (form === null || controlCharacter.test(name))
      throw contradiction(`Unsupported parameter: ${printable(name)}`);
    const [, parameter = '', key] = form;
    if (value.length > maxValueLength)
      throw invalidParameter(parameter, key, `Expected at most ${maxValueLength} characters.`);
    if (controlCharacter.test(value))
      throw invalidParameter(parameter, key, 'Control characters are not allowed.');
    return { name: parameter, key, value };
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw contradiction(`Invalid percent-encoding: ${printable(text)}`);
  }
}

/** A name as it may be repeated in an answer. */
function printable(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

/** Parameters by name, those with a key in an object of their own; every value is a list of texts in URL order. */
export type QueryTree = Record<string, string[] | Record<string, string[]>>;

/**
 * Parameters as a tree, to be validated by a schema.
 * @throws ApiError 400 where a name comes with and without a key
 */
export function queryTree(parameters: readonly Parameter[]): QueryTree {
  // A null prototype: "__proto__" is a name like any other, and no schema knows it.
  const tree = Object.create(null) as QueryTree;
  for (const { name, key, value } of parameters) {
    const known = tree[name];
    if (key === undefined) {
      if (known === undefined) tree[name] = [value];
      else if (Array.isArray(known)) known.push(value);
      else throw invalidParameter(name, undefined, 'Given with and without a key in brackets.');
    } else {
      const keyed = (tree[name] ??= Object.create(null) as Record<string, string[]>);
      if (Array.isArray(keyed))
        throw invalidParameter(name, key, 'Given with and without a key in brackets.');
      (keyed[key] ??= []).push(value);
    }
  }
  return tree;
}
