/** A label of a virtual machine. */
export interface VmTag {
  key: string;
  values: string[];
}

/**
 * Labels of a virtual machine (API §4.5): keys in the order of first appearance in its label maps, which come sorted as
 * jsonb, a map with fewer keys first and its keys by length, then bytes; values sorted.
 */
export function vmTags(maps: readonly Readonly<Record<string, string>>[]): VmTag[] {
  const found = new Map<string, Set<string>>();
  for (const map of maps)
    for (const [key, value] of Object.entries(map).sort(([a], [b]) => byLength(a, b)))
      found.set(key, (found.get(key) ?? new Set<string>()).add(value));
  return [...found].map(([key, values]) => ({ key, values: [...values].sort() }));
}

function byLength(a: string, b: string): number {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length - right.length || Buffer.compare(left, right);
}
