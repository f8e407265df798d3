/** Labels as somebody's JSON; its content is not read. JSON without a colon, like `{}`, has no content. */
export function isJsonLabels(text: string): boolean {
  if (!/^\s*[{[]/.test(text) || !text.includes(':')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Parse the label column of a report: `label_app:web|label_tier:front`.
 *
 * Pieces are separated by `|`; a piece without `:` or with more than one is left out, and so is a text that is JSON.
 * Every `label_` in a key is removed (keys without that prefix occur and stay as they are), the last of equal keys
 * wins, an empty value stays `""`. Blank text gives an empty map.
 *
 * @param onSkipped called with each piece that is left out because it has several `:`, and with a JSON text, so that
 *   the caller can count it
 * @returns a map without prototype, so that keys like `__proto__` are ordinary keys
 */
export function parseLabels(text: string, onSkipped?: (piece: string) => void): Record<string, string> {
  const labels = Object.create(null) as Record<string, string>;
  if (text === '') return labels;
  if (isJsonLabels(text)) {
    onSkipped?.(text);
    return labels;
  }
  for (const piece of text.split('|')) {
    const colon = piece.indexOf(':');
    if (colon === -1) continue;
    if (piece.includes(':', colon + 1)) {
      onSkipped?.(piece);
      continue;
    }
    labels[piece.slice(0, colon).replaceAll('label_', '')] = piece.slice(colon + 1);
  }
  return labels;
}

const severalColonsOrJson = /:[^|]*:|^\s*[{[]/;

/** What {@link parseLabels} leaves out of a text: pieces with several `:`, or the whole text when it is JSON. */
export function skippedLabels(text: string): string[] {
  const skipped: string[] = [];
  if (severalColonsOrJson.test(text)) parseLabels(text, (piece) => skipped.push(piece));
  return skipped;
}

/**
 * JSON of a label map with its keys sorted, so that equal maps give equal text whatever the order they were built in.
 * The text identifies a distinct label set.
 */
export function canonicalLabels(labels: Readonly<Record<string, string>>): string {
  const members = Object.keys(labels)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(labels[key])}`);
  return `{${members.join(',')}}`;
}
