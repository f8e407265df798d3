/** Failures of an address are forgotten after this time. */
const windowMs = 15 * 60_000;
/** Addresses that are remembered; the oldest is forgotten first, so that many addresses cannot fill the memory. */
const maxAddresses = 20_000;

/** Counts failed logins by address. */
export class FailedLogins {
  readonly #max: number;
  readonly #now: () => number;
  readonly #byAddress = new Map<string, { count: number; untilMs: number }>();

  constructor(max: number, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#now = now;
  }

  /** Seconds until an address may try again, or undefined if it may now. */
  blockedSeconds(address: string): number | undefined {
    const entry = this.#byAddress.get(address);
    if (entry === undefined || entry.count < this.#max) return undefined;
    const leftMs = entry.untilMs - this.#now();
    return leftMs > 0 ? Math.ceil(leftMs / 1_000) : undefined;
  }

  /** Count a failed login. */
  add(address: string): void {
    const now = this.#now();
    const entry = this.#byAddress.get(address);
    this.#byAddress.delete(address);
    const isOver = entry === undefined || entry.untilMs <= now;
    this.#byAddress.set(
      address,
      isOver ? { count: 1, untilMs: now + windowMs } : { ...entry, count: entry.count + 1 },
    );
    for (const oldest of this.#byAddress.keys()) {
      if (this.#byAddress.size <= maxAddresses) break;
      this.#byAddress.delete(oldest);
    }
  }
}
