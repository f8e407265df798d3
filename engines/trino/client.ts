import { setTimeout as delay } from 'node:timers/promises';
import { busyStatuses, notOfTrino, queryFailed, refused, unanswered } from './trino-error.ts';
import type { HttpAnswer, QueryFailure } from './trino-error.ts';

/** Where Trino is and who asks. */
export interface TrinoConnection {
  /** `http://host:port` or `https://host:port` */
  url: string;
  user: string;
  /** basic authentication, which Trino accepts over HTTPS only */
  password?: string;
  catalog: string;
}

/** Options of one query. */
export interface QueryOptions {
  /** ends the query on the server, too */
  signal?: AbortSignal;
  /** called as soon as the server has accepted the query */
  onQueryId?: (queryId: string) => void;
  /** session properties, such as `query_max_run_time` */
  session?: Readonly<Record<string, string>>;
  /** the customer's schema in the lake: part of the query's source, by which resource groups tell customers apart */
  tenant?: string;
}

/** A value of a result row: numbers as numbers, NULL as null, everything else as text. */
export type TrinoValue = string | number | boolean | null;

/** Some rows of a result. */
export interface ResultPage {
  /** names of the columns, in order */
  columns: readonly string[];
  rows: readonly (readonly TrinoValue[])[];
}

interface Answer {
  id: string;
  nextUri?: string;
  columns?: { name: string }[];
  data?: TrinoValue[][];
  error?: QueryFailure;
}

interface ServerInfo {
  nodeVersion: { version: string };
  starting?: boolean;
}

/** What an endpoint answers: for people, and how to tell. */
interface Expected<T> {
  what: string;
  is: (found: unknown) => found is T;
}

const queryState: Expected<Answer> = {
  what: 'the state of a query',
  is: (found): found is Answer => {
    const { id, nextUri, columns, data, error } = fieldsOf<Answer>(found);
    return (
      typeof id === 'string' &&
      (nextUri === undefined || (typeof nextUri === 'string' && URL.canParse(nextUri))) &&
      (columns === undefined || Array.isArray(columns)) &&
      (data === undefined || Array.isArray(data)) &&
      (error === undefined || typeof fieldsOf<QueryFailure>(error).message === 'string')
    );
  },
};

const serverInfo: Expected<ServerInfo> = {
  what: 'the version of Trino',
  is: (found): found is ServerInfo =>
    typeof fieldsOf<ServerInfo['nodeVersion']>(fieldsOf<ServerInfo>(found).nodeVersion).version === 'string',
};

/** Fields of anything that JSON can be. */
function fieldsOf<T>(found: unknown): Partial<Record<keyof T, unknown>> {
  return found ?? {};
}

const maxAttempts = 6;
const firstPauseMs = 100;

/**
 * The part of Trino's REST protocol that this program uses: a statement is posted, its pages are fetched one after the
 * other. The project's own client hides a query's id until its first row arrives and cannot be aborted, so an activity
 * could neither note the id in its heartbeat nor end when it is cancelled.
 */
export class TrinoClient {
  readonly #connection: TrinoConnection;

  constructor(connection: TrinoConnection) {
    this.#connection = connection;
  }

  /**
   * Run a statement and yield its rows, page by page. Leaving the loop, an abort or a failure cancels the query.
   *
   * @throws TrinoError if Trino refuses the statement, gives up or cannot be reached; retried if that may pass
   * @throws the signal's reason if aborted
   */
  async *pages(statement: string, options: QueryOptions = {}): AsyncGenerator<ResultPage> {
    const { signal, onQueryId, session = {}, tenant } = options;
    let answer = await this.#request(queryState, `${this.#connection.url}/v1/statement`, {
      signal,
      init: {
        method: 'POST',
        body: statement,
        headers: { ...sessionHeader(session), ...sourceHeader(tenant) },
      },
    });
    const { id } = answer;
    onQueryId?.(id);
    let isOver = false;
    try {
      for (;;) {
        if (answer.error !== undefined) {
          isOver = true;
          throw queryFailed(answer.error, id);
        }
        const { columns, data, nextUri } = answer;
        if (columns !== undefined && data !== undefined && data.length > 0)
          yield { columns: columns.map(({ name }) => name), rows: data };
        if (nextUri === undefined) break;
        answer = await this.#request(queryState, this.#here(nextUri), { signal, queryId: id });
      }
      isOver = true;
    } finally {
      if (!isOver) await this.cancel(id).catch(() => undefined);
    }
  }

  /** Run a statement, and return all its rows: for few. */
  async run(statement: string, options?: QueryOptions): Promise<TrinoValue[][]> {
    const rows: TrinoValue[][] = [];
    for await (const page of this.pages(statement, options)) rows.push(...page.rows.map((row) => [...row]));
    return rows;
  }

  /** Version of the server, as it names it itself, and whether it is starting. Needs no user. */
  async server(signal: AbortSignal): Promise<{ version: string; isStarting: boolean }> {
    const { nodeVersion, starting } = await this.#request(serverInfo, `${this.#connection.url}/v1/info`, {
      signal,
    });
    return { version: nodeVersion.version, isStarting: starting === true };
  }

  /** End a query, also of another process; no error if it has ended or is unknown. */
  async cancel(queryId: string): Promise<void> {
    await this.#fetch(`${this.#connection.url}/v1/query/${queryId}`, undefined, { method: 'DELETE' });
  }

  /**
   * The same page at the address that is configured: behind a proxy that ends TLS Trino may name its own, where a
   * password must not go.
   */
  #here(uri: string): string {
    const { pathname, search } = new URL(uri);
    return new URL(`${pathname}${search}`, this.#connection.url).href;
  }

  /** @param queryId query whose page is fetched: Trino may have forgotten it */
  async #request<T>(
    { what, is }: Expected<T>,
    address: string,
    { signal, queryId, init = {} }: { signal: AbortSignal | undefined; queryId?: string; init?: RequestInit },
  ): Promise<T> {
    const { url } = this.#connection;
    const answer = await this.#fetch(address, signal, init);
    if (answer.status < 200 || answer.status > 299) throw refused(url, answer, queryId);
    const found = parsed(answer.text);
    if (!is(found)) throw notOfTrino(url, what, answer);
    return found;
  }

  /** A request, repeated while the server is busy or the connection breaks: each page can be fetched twice. */
  async #fetch(address: string, signal: AbortSignal | undefined, init: RequestInit): Promise<HttpAnswer> {
    for (let attempt = 1, pauseMs = firstPauseMs; ; attempt += 1, pauseMs *= 2) {
      try {
        const response = await fetch(address, {
          ...init,
          headers: { ...this.#headers(), ...(init.headers as Record<string, string> | undefined) },
          redirect: 'manual',
          signal: signal ?? null,
        });
        // The connection may break before the end of a page, too.
        const text = await response.text();
        const { status, headers } = response;
        if (attempt === maxAttempts || !busyStatuses.has(status))
          return { status, text, location: headers.get('location') };
      } catch (cause) {
        signal?.throwIfAborted();
        const failure = unanswered(this.#connection.url, cause);
        if (attempt === maxAttempts || !failure.retryable) throw failure;
      }
      await delay(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }

  #headers(): Record<string, string> {
    const { user, password, catalog } = this.#connection;
    return {
      'X-Trino-User': user,
      ...sourceHeader(undefined),
      'X-Trino-Catalog': catalog,
      'X-Trino-Time-Zone': 'UTC',
      ...(password !== undefined && {
        Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      }),
    };
  }
}

/** What a text says in JSON; undefined if it says nothing. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function sourceHeader(tenant: string | undefined): Record<string, string> {
  return { 'X-Trino-Source': tenant === undefined ? 'ocp-pipeline' : `ocp-pipeline.${tenant}` };
}

function sessionHeader(session: Readonly<Record<string, string>>): Record<string, string> {
  const properties = Object.entries(session).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return properties.length === 0 ? {} : { 'X-Trino-Session': properties.join(',') };
}

/** A text as a literal of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as an identifier of SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
