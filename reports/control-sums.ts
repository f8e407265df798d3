import type { SummedUnit } from '../domain/reports/report-kind.ts';

/** Numbers of an hour: rows, core-seconds, byte-seconds. */
const numbersOfHour = 3;
const hoursOfDay = 24;
/** Where the magnitudes begin: of core-seconds, then of byte-seconds. */
const magnitudesAt = hoursOfDay * numbersOfHour;

const placeInHour: Readonly<Record<SummedUnit, number>> = { 'core-seconds': 1, 'byte-seconds': 2 };

/** What the rows of one UTC hour add up to. */
interface HourSums {
  /** 0 to 23 */
  hour: number;
  rowCount: number;
  coreSeconds: number;
  byteSeconds: number;
}

/** UTC hour of a time, given in microseconds since 2000. */
export function utcHour(microseconds: bigint): number {
  const hours = Math.floor(Number(microseconds) / 3_600_000_000);
  return hours - hoursOfDay * Math.floor(hours / hoursOfDay);
}

/**
 * What the rows of a piece add up to, hour by hour, taken while they are written as tuples: a blank number is 0. The
 * fast path goes on with the same `values`, so that mixed paths give the same sums, bit for bit.
 */
export class ControlSums {
  /** of each hour its {@link HourSums}, then the magnitudes; as in reports/fast-path/wasm/memory.ts */
  readonly values = new Float64Array(magnitudesAt + 2);

  addRow(hour: number): void {
    this.#increase(hour * numbersOfHour, 1);
  }

  addNumber(hour: number, unit: SummedUnit, value: number): void {
    this.#increase(hour * numbersOfHour + placeInHour[unit], value);
    this.#increase(magnitudesAt + placeInHour[unit] - 1, Math.abs(value));
  }

  /**
   * Hours with rows, in order, and the magnitudes: the sum of the absolute values of either unit. A comparison is
   * relative to them, because a sum of positive and negative numbers may be small and its rounding errors are not.
   */
  summary(): { hours: HourSums[]; coreSecondsMagnitude: number; byteSecondsMagnitude: number } {
    const at = (place: number) => this.values[place] ?? 0;
    const hours = Array.from({ length: hoursOfDay }, (_, hour) => ({
      hour,
      rowCount: at(hour * numbersOfHour),
      coreSeconds: at(hour * numbersOfHour + 1),
      byteSeconds: at(hour * numbersOfHour + 2),
    }));
    return {
      hours: hours.filter(({ rowCount }) => rowCount > 0),
      coreSecondsMagnitude: at(magnitudesAt),
      byteSecondsMagnitude: at(magnitudesAt + 1),
    };
  }

  #increase(place: number, value: number): void {
    this.values[place] = (this.values[place] ?? 0) + value;
  }
}
