/**
 * UTC hours for people: `0–5, 12`. Consecutive hours form a range.
 *
 * @param hours 0 to 23, in order, without duplicates
 */
export function hourRanges(hours: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const hour of hours) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] + 1 === hour) range[1] = hour;
    else ranges.push([hour, hour]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ');
}
