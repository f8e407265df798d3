import { dayOf } from '../support/payload-builder.ts';
import type { ReportRow, ReportRows } from '../support/payload-builder.ts';
import { add } from './line-items.ts';
import type { Sums } from './line-items.ts';

/*
 * What volumes cost, by DOMAIN 5.4, written down a second time: row by row, without a thought for speed.
 */
const measures = {
  capacity: 'persistentvolumeclaim_capacity_byte_seconds',
  request: 'volume_request_storage_byte_seconds',
  usage: 'persistentvolumeclaim_usage_byte_seconds',
} as const;
type Measure = keyof typeof measures;
const measureNames = Object.keys(measures) as Measure[];

const byteSecondsPerGibHour = 2 ** 30 * 3_600;
const text = (row: ReportRow, column: string) => String(row[column] ?? '');
const claimOf = (row: ReportRow) => text(row, 'persistentvolumeclaim');

/** GiB-hours of a row; undefined when the column is blank. */
function gibHours(row: ReportRow, measure: Measure): number | undefined {
  const value = row[measures[measure]] ?? '';
  return value === '' ? undefined : Number(value) / byteSecondsPerGibHour;
}

/** Rows by a key, in their order. */
function groups<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) found.set(keyOf(row), [...(found.get(keyOf(row)) ?? []), row]);
  return found;
}

/** Rows of one claim and hour: they stand for the same storage. */
interface ClaimHour {
  day: string;
  namespace: string;
  claim: string;
  volume: string;
  rows: ReportRow[];
}

/** The hours of all claims; a blank volume of a named claim is the greatest that the claim has in that hour. */
function claimHours({ storage_usage: rows = [] }: ReportRows): ClaimHour[] {
  return [
    ...groups(rows, (row) => [row.hour, text(row, 'namespace'), claimOf(row)].join('|')).values(),
  ].flatMap((ofClaim) => {
    const known = ofClaim.map((row) => text(row, 'persistentvolume')).sort();
    const volumeOf = (row: ReportRow) =>
      text(row, 'persistentvolume') || (claimOf(row) === '' ? '' : (known.at(-1) ?? ''));
    // Without claim and volume every row is a claim of its own.
    const keyOf = (row: ReportRow) => volumeOf(row) || (claimOf(row) === '' ? `${ofClaim.indexOf(row)}` : '');
    return [...groups(ofClaim, keyOf).values()].flatMap((same) =>
      same.slice(0, 1).map((row) => ({
        day: dayOf(row.hour),
        namespace: text(row, 'namespace'),
        claim: claimOf(row),
        volume: volumeOf(row),
        rows: same,
      })),
    );
  });
}

/** GiB-hours by day, namespace, claim and volume: the sum over hours of the mean of the values that were sent. */
export function claimUsage(rows: ReportRows): Sums {
  const sums: Sums = new Map();
  for (const { day, namespace, claim, volume, rows: same } of claimHours(rows)) {
    const means = measureNames.map((measure) => {
      const sent = same.map((row) => gibHours(row, measure)).filter((value) => value !== undefined);
      return [measure, sent.length === 0 ? 0 : sent.reduce((sum, value) => sum + value, 0) / sent.length];
    });
    add(
      sums,
      [day, namespace, claim, volume].join('|'),
      Object.fromEntries(means) as Record<Measure, number>,
    );
  }
  return sums;
}

/**
 * The same by day, namespace, claim, volume, node and resource id: each row on the node that its pod is on in the hour.
 */
export function placedUsage(rows: ReportRows): Sums {
  const placeOf = podPlaces(rows);
  const sums: Sums = new Map();
  for (const { namespace, claim, volume, rows: same } of claimHours(rows))
    for (const row of same) {
      const shares = measureNames.map((measure) => {
        const sent = same.filter((other) => gibHours(other, measure) !== undefined).length;
        return [measure, (gibHours(row, measure) ?? 0) / Math.max(1, sent)];
      });
      add(
        sums,
        [dayOf(row.hour), namespace, claim, volume, placeOf(row)].join('|'),
        Object.fromEntries(shares) as Record<Measure, number>,
      );
    }
  return sums;
}

const nowhere = '-|-';

/** Node and resource id of a row's pod in the row's hour. */
function podPlaces({ pod_usage: pods = [] }: ReportRows): (row: ReportRow) => string {
  const podOf = (row: ReportRow) => [dayOf(row.hour), text(row, 'namespace'), text(row, 'pod')].join('|');
  const placesOf = new Map(
    [
      ...groups(
        pods.filter((row) => text(row, 'node') !== ''),
        podOf,
      ),
    ].map(([pod, rows]) => [pod, placesByHour(rows)]),
  );
  return (row) => {
    const places = placesOf.get(podOf(row));
    if (places === undefined || text(row, 'pod') === '') return nowhere;
    const hours = [...places.keys()].sort();
    const hour = hours.findLast((known) => known <= row.hour) ?? hours[0] ?? '';
    return places.get(hour) ?? nowhere;
  };
}

/** Place by hour, the last hour first: of several nodes the one of the next hour, else the greatest. */
function placesByHour(rows: readonly ReportRow[]): Map<string, string> {
  const places = new Map<string, string>();
  let next = { chosen: '', nodes: [] as string[] };
  const hours = [...groups(rows, (row) => row.hour)].sort(([a], [b]) => (a < b ? 1 : -1));
  for (const [hour, ofHour] of hours) {
    const nodes = [...new Set(ofHour.map((row) => text(row, 'node')))].sort();
    const stays = nodes.includes(next.chosen)
      ? next.chosen
      : nodes.findLast((name) => next.nodes.includes(name));
    const chosen = stays ?? nodes.at(-1) ?? '';
    const ids = ofHour.filter((row) => text(row, 'node') === chosen).map((row) => text(row, 'resource_id'));
    places.set(hour, `${chosen}|${ids.sort().at(-1) ?? ''}`);
    next = { chosen, nodes };
  }
  return places;
}
