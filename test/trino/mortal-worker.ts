import { AsyncLocalStorage } from 'node:async_hooks';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Client, Pool } from 'pg';
import { vi } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import type { Activities } from '../../activities/index.ts';
import { engineQueues } from '../../domain/run/run.ts';
import { clock } from '../../platform/config/config.ts';
import type { Config } from '../../platform/config/config.ts';
import { openPool } from '../../platform/database/database.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';

/** Where an attempt to rebuild relations is: it plans and makes files visible, queries, or has begun to apply. */
export type Stage = 'plan' | 'query' | 'apply';

/** What happens to a worker while it runs one activity. */
export interface Fate {
  /**
   * it dies before this request to a server, from 1 on, of all that it makes or of those of a stage: nothing of it
   * reaches a server any more
   */
  diesBefore?: { request: number; stage?: Stage };
  /** something else happens before this request to Trino, from 1 on */
  interrupted?: { before: number; by: () => Promise<void> };
}

/** What workers share. */
export interface WorkerServers {
  databaseUrl: string;
  objectStore: ObjectStore;
  config: Config;
}

class Died extends Error {
  constructor() {
    super('the worker died');
  }
}

const running = new AsyncLocalStorage<MortalWorker>();
const realFetch = globalThis.fetch;
vi.stubGlobal('fetch', (input: string, init?: RequestInit) => {
  const worker = running.getStore();
  return worker === undefined ? realFetch(input, init) : worker.fetch(input, init);
});

/**
 * Run one activity on a worker of its own, on real servers.
 * @returns its result; undefined if the worker died: what it did until then is done, an open transaction is gone
 * @throws what the activity throws on a living worker
 */
export async function onMortalWorker<Input, Result>(
  servers: WorkerServers,
  choose: (activities: Activities) => (input: Input) => Promise<Result>,
  input: Input,
  fate: Fate = {},
): Promise<Result | undefined> {
  const worker = new MortalWorker(servers, fate);
  try {
    const activity = choose(worker.activities);
    const result = await running.run(worker, () =>
      new MockActivityEnvironment({ taskQueue: engineQueues.trino }).run<[Input], Result, typeof activity>(
        activity,
        input,
      ),
    );
    return worker.isDead ? undefined : result;
  } catch (error) {
    if (!worker.isDead) throw error;
    return undefined;
  } finally {
    const ended = worker.pool.end();
    // A dead worker's connections are gone.
    if (!worker.isDead) await ended;
  }
}

class MortalWorker {
  isDead = false;
  readonly pool: Pool;
  readonly activities: Activities;
  readonly #fate: Fate;
  readonly #connections: Client[] = [];
  #requests = 0;
  #fetches = 0;
  #stage: Stage = 'plan';
  #requestsOfStage = 0;

  constructor({ databaseUrl, objectStore, config }: WorkerServers, fate: Fate) {
    this.#fate = fate;
    this.pool = openPool({ url: databaseUrl, size: 8, applicationName: 'mortal' });
    this.pool.on('connect', (client) => {
      this.#watch(client);
    });
    this.activities = createActivities({
      pool: this.pool,
      databaseUrl,
      objectStore: this.#watched(objectStore),
      config,
      now: clock(config),
    });
  }

  /** A dead worker's request gets an answer that is not repeated, and Trino does not hear of it. */
  async fetch(input: string, init: RequestInit | undefined): Promise<Response> {
    this.#fetches += 1;
    const { interrupted } = this.#fate;
    if (interrupted?.before === this.#fetches) await running.exit(interrupted.by);
    // The lines of a kind, which only the queries for relations read.
    if (typeof init?.body === 'string' && init.body.includes('live_')) this.#enter('query');
    try {
      this.#request();
    } catch {
      return new Response('', { status: 410 });
    }
    return realFetch(input, init);
  }

  #enter(stage: Stage): void {
    if (stage === this.#stage) return;
    this.#stage = stage;
    this.#requestsOfStage = 0;
  }

  #request(): void {
    this.#requests += 1;
    this.#requestsOfStage += 1;
    const { request, stage } = this.#fate.diesBefore ?? {};
    const count = stage === undefined ? this.#requests : this.#requestsOfStage;
    if (count === request && (stage ?? this.#stage) === this.#stage) {
      this.isDead = true;
      for (const connection of this.#connections) socketOf(connection).destroy();
    }
    if (this.isDead) throw new Died();
  }

  #watch(client: Client): void {
    this.#connections.push(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      // The first statement of the transaction of a step that a planning one does not have.
      if (this.#stage === 'query' && args[0] === 'select ocp_raise_settings()') this.#enter('apply');
      try {
        this.#request();
      } catch (error) {
        // A statement is awaited, a COPY is a stream.
        if (typeof args[0] === 'string' || typeof args[1] === 'object') return Promise.reject(new Died());
        throw error;
      }
      return query(...args);
    }) as Client['query'];
  }

  #watched(store: ObjectStore): ObjectStore {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          this.#request();
          return Reflect.apply(value as (...args: unknown[]) => unknown, target, args);
        };
      },
    });
  }
}

function socketOf(client: Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
}
