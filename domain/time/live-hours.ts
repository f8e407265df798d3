/**
 * UTC hours as people read them: `0–5, 12`. Hours that follow one another are one range.
 *
 * @param hours 0 to 23, in order, none twice
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
