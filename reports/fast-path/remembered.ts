/** Distinct texts remembered at most: a file whose every time is garbage must not fill memory. */
const mostRemembered = 10_000;

/** The same function, which computes each text once: hours repeat on every row. */
export function remembered<T>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let value = known.get(text);
    if (value === undefined) {
      value = compute(text);
      if (known.size < mostRemembered) known.set(text, value);
    }
    return value;
  };
}
