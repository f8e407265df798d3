/** Limits of a cache. */
export interface RememberingBounds {
  maxTexts: number;
  /** of all texts together; what is computed from them is assumed to be no longer than a few times that */
  maxCharacters: number;
  /**
   * What happens when the cache is full. `keep` the entries, for the cache of one file, in which the same texts recur
   * every hour; `forget` all, for one that lives as long as the process: otherwise a single file could fill it with
   * texts that never recur.
   */
  whenFull: 'keep' | 'forget';
}

/** For the cache of one file: a file in which every value is garbage must not fill the memory. */
const ofOneFile: RememberingBounds = { maxTexts: 10_000, maxCharacters: 2_000_000, whenFull: 'keep' };

/** Longer texts are computed every time: no time, number or ordinary label set is that long. */
const maxTextLength = 2_000;

/** The same function with a bounded cache, which computes each text once: hours and labels repeat on every row. */
export function remembered<T>(
  compute: (text: string) => T,
  { maxTexts, maxCharacters, whenFull }: RememberingBounds = ofOneFile,
): (text: string) => T {
  const known = new Map<string, T>();
  let characterCount = 0;
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = compute(text);
    if (text.length > maxTextLength) return value;
    const isFull = known.size >= maxTexts || characterCount + text.length > maxCharacters;
    if (isFull && whenFull === 'keep') return value;
    if (isFull) {
      known.clear();
      characterCount = 0;
    }
    known.set(text, value);
    characterCount += text.length;
    return value;
  };
}
