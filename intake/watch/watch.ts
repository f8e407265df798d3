import { setTimeout as delay } from 'node:timers/promises';
import { PipelineError } from '../../domain/failures/failures.ts';
import { schemaOf, tenantSchemaOf } from '../../platform/tenants/sources.ts';
import type { DropPlace, DropRoot } from './drop-place.ts';
import { Station } from './station.ts';
import type { WatchDeps } from './station.ts';

/** How to watch. */
export interface WatchOptions {
  /** undefined: one folder for each organisation */
  orgId: string | undefined;
  /** take what is there, follow it to its end, and return */
  once: boolean;
  /** between two looks, milliseconds: a file is complete when it is the same at both */
  intervalMs: number;
}

/** Between two questions how runs do, at least; milliseconds. */
const followMs = 1_000;
/** Waiting time while a server is away, doubling. */
const pauseMs = { first: 500, max: 30_000 };
/** How long `once` waits for a server that is away. */
const oncePatienceMs = 60_000;

/**
 * Take files that are dropped into a place, follow their runs and put them away, until `signal` aborts; with `once`
 * until what was there at the beginning has ended or is blocked.
 *
 * @returns how many files need somebody's attention: failed, blocked, or left alone
 * @throws PipelineError `ConfigInvalid` if the place cannot be watched
 * @throws with `once`, the error of a server that stays away; the signal's reason if it aborts
 */
export async function watch(
  deps: WatchDeps,
  root: DropRoot,
  options: WatchOptions,
  signal: AbortSignal,
): Promise<number> {
  await root.check();
  const watcher = new Watcher(deps, root, options, signal);
  if (options.orgId !== undefined) await watcher.openOnly(options.orgId);
  if (options.once) await watcher.once();
  else await watcher.untilStopped();
  return watcher.problemCount;
}

class Watcher {
  readonly #deps: WatchDeps;
  readonly #root: DropRoot;
  readonly #options: WatchOptions;
  readonly #signal: AbortSignal;
  readonly #stations = new Map<string, Station>();
  /** why a folder is not watched, by name */
  readonly #notWatched = new Map<string, string>();

  constructor(deps: WatchDeps, root: DropRoot, options: WatchOptions, signal: AbortSignal) {
    this.#deps = deps;
    this.#root = root;
    this.#options = options;
    this.#signal = signal;
  }

  get problemCount(): number {
    const inStations = [...this.#stations.values()].reduce(
      (sum, { problemCount, blockedCount }) => sum + problemCount + blockedCount,
      0,
    );
    return inStations + this.#notWatched.size;
  }

  async untilStopped(): Promise<void> {
    let lookAtMs = 0;
    while (!this.#signal.aborted) {
      await this.#despiteOutages(async () => {
        if (performance.now() >= lookAtMs) {
          await this.#findStations();
          for (const station of this.#stations.values()) await station.look();
          lookAtMs = performance.now() + this.#options.intervalMs;
        }
        for (const station of this.#stations.values()) await station.follow();
      });
      await this.#pause(Math.min(this.#options.intervalMs, followMs));
    }
  }

  async once(): Promise<void> {
    await this.#despiteOutages(() => this.#findStations());
    const stations = [...this.#stations.values()];
    const there = new Map<Station, ReadonlySet<string>>();
    for (const station of stations)
      await this.#despiteOutages(async () => there.set(station, new Set(await station.look())));
    if ([...there.values()].some(({ size }) => size > 0)) await this.#pause(this.#options.intervalMs);
    for (const station of stations)
      await this.#despiteOutages(async () => {
        for (const file of await station.look(there.get(station)))
          this.#deps.say({
            event: 'left alone',
            problem: 'is empty or still being written; the next look takes it',
            orgId: station.orgId,
            place: station.place.location,
            file,
          });
      });
    for (;;) {
      for (const station of stations) await this.#despiteOutages(() => station.follow());
      if (stations.every(({ openCount }) => openCount === 0)) return;
      await this.#pause(Math.min(this.#options.intervalMs, followMs));
    }
  }

  /** Repeat something until the servers that it needs answer. */
  async #despiteOutages(work: () => Promise<unknown>): Promise<void> {
    const sinceMs = performance.now();
    let isAway = false;
    for (let pause = pauseMs.first; ; pause = Math.min(pause * 2, pauseMs.max)) {
      try {
        await work();
        if (isAway) this.#deps.say({ event: 'servers are back' });
        return;
      } catch (error) {
        if (this.#isStopping()) {
          if (this.#options.once) throw this.#signal.reason;
          return;
        }
        if (this.#options.once && performance.now() - sinceMs > oncePatienceMs) throw error;
        if (!isAway) {
          const { errorType, message } = this.#deps.explain(error);
          this.#deps.say({ event: 'waiting for servers', errorType, problem: message });
        }
        isAway = true;
        await this.#pause(pause);
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#signal }).catch(() => undefined);
    if (this.#options.once) this.#signal.throwIfAborted();
  }

  #isStopping(): boolean {
    return this.#signal.aborted;
  }

  /**
   * One organisation for the whole place.
   * @throws PipelineError `ConfigInvalid` if it is unknown or the place is no good
   */
  async openOnly(orgId: string): Promise<void> {
    await this.#openStation(orgId, this.#root.place(undefined));
  }

  /** The folders of organisations may come and go. */
  async #findStations(): Promise<void> {
    if (this.#options.orgId !== undefined) return;
    const { folders, looseFiles } = await this.#root.look();
    for (const folder of [...this.#stations.keys()])
      if (!folders.includes(folder)) this.#stations.delete(folder);
    for (const folder of [...this.#notWatched.keys()])
      if (folder !== '' && !folders.includes(folder)) this.#notWatched.delete(folder);
    for (const folder of folders) if (!this.#stations.has(folder)) await this.#tryToOpen(folder);
    if (looseFiles[0] === undefined) this.#notWatched.delete('');
    else
      this.#notWatching(
        '',
        `${looseFiles[0]} lies beside the folders; move it into that of its organisation`,
      );
  }

  async #tryToOpen(folder: string): Promise<void> {
    try {
      await this.#openStation(folder, this.#root.place(folder));
      this.#notWatched.delete(folder);
    } catch (error) {
      if (!(error instanceof PipelineError) || error.type !== 'ConfigInvalid') throw error;
      this.#notWatching(folder, error.message);
    }
  }

  async #openStation(orgId: string, place: DropPlace): Promise<void> {
    tenantSchemaOf(orgId);
    await schemaOf(this.#deps.pool, orgId);
    await place.open();
    this.#stations.set(orgId, new Station(this.#deps, orgId, place, this.#signal));
    this.#deps.say({ event: 'watching', place: place.location, orgId });
  }

  /** Say once why. */
  #notWatching(folder: string, problem: string): void {
    if (this.#notWatched.get(folder) === problem) return;
    this.#notWatched.set(folder, problem);
    const { location } = folder === '' ? this.#root : this.#root.place(folder);
    this.#deps.say({ event: 'not watched', place: location, problem });
  }
}
