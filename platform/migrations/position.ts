/**
 * The place in an SQL text where the server found an error.
 *
 * @returns ` line N`, or nothing if the error has no position
 */
export function lineOfPosition(text: string, error: unknown): string {
  const position = Number((error as { position?: string }).position);
  if (!Number.isInteger(position) || position < 1) return '';
  return ` line ${text.slice(0, position - 1).split('\n').length}`;
}
