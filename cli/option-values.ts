import type { Argv } from 'yargs';

/** What yargs knows of the declared options; its types leave it out. */
interface Declared {
  string: readonly string[];
  number: readonly string[];
  array: readonly string[];
}

function declaredOf<T>(parser: Argv<T>): Declared {
  return (parser as unknown as { getOptions: () => Declared }).getOptions();
}

/**
 * Refuse what yargs lets through: an option without its value, which would count as not given, one that is given twice,
 * which would be a list, and nothing in place of a value, as an unset variable of the shell is.
 *
 * @param declare declares the options of the command; checks of its own come after these
 * @param form word and positional arguments of the command, as in cli/catalog.ts
 * @param words the command line
 */
export function withStrictValues<T, U>(
  parser: Argv<T>,
  declare: (parser: Argv<T>) => Argv<U>,
  { form, words }: { form: string; words: readonly string[] },
): Argv<U> {
  const positionals = [...form.matchAll(/[<[](\w+)/g)].map(([, name = '']) => name);
  parser.check((values) => {
    const { string, number, array } = declaredOf(parser);
    for (const name of new Set([...string, ...number])) {
      const shown = positionals.includes(name) ? name : `--${name}`;
      if (words.includes(`--no-${name}`)) throw new Error(`--no-${name}: expected --${name} and a value`);
      const value = values[name];
      const isBlank = value === '' || (number.includes(name) && isBlankIn(words, name));
      if (isBlank) throw new Error(`${shown}: expected a value, found nothing`);
      if (typeof value === 'object' && !array.includes(name))
        throw new Error(`${shown}: expected one value, found several`);
    }
    return true;
  });
  const declared = declare(parser);
  const { string, number } = declaredOf(declared);
  return declared.requiresArg([...string, ...number].filter((name) => !positionals.includes(name)));
}

/** Is the value blank as it was written? As a number it would be 0. */
function isBlankIn(words: readonly string[], name: string): boolean {
  return words.some(
    (word, index) =>
      (word === `--${name}` && words[index + 1]?.trim() === '') ||
      (word.startsWith(`--${name}=`) && word.slice(name.length + 3).trim() === ''),
  );
}

/**
 * Check the value of a number option.
 * @throws Error with the bounds unless it is absent or a whole number within them
 */
export function expectWhole(name: string, value: number | undefined, [min, max]: [number, number]): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max))
    throw new Error(`--${name}: expected a whole number from ${min} to ${max}`);
}
