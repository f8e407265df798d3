import { setTimeout as delay } from 'node:timers/promises';
import { PipelineError } from '../../domain/failures/failures.ts';

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
  error?: { message: string; errorName: string; errorType: string };
}

interface ServerInfo {
  nodeVersion?: { version: string };
  starting?: boolean;
}

/** Types of Trino's errors that may go away by themselves; a USER_ERROR stays. */
const passingErrors: ReadonlySet<string> = new Set(['EXTERNAL', 'INTERNAL_ERROR', 'INSUFFICIENT_RESOURCES']);

/** What a server or a proxy before it answers while it is overloaded: the protocol asks to repeat the request. */
const busyStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const maxAttempts = 6;
const firstPauseMs = 100;

/** A query that Trino refused or gave up. `errorName` is Trino's own, such as `ALREADY_EXISTS`. */
export class TrinoError extends PipelineError {
  readonly errorName: string;

  constructor(
    message: string,
    { errorName, ...rest }: { errorName: string; retryable: boolean; remedy?: string },
  ) {
    super('TrinoFailed', message, rest);
    this.name = 'TrinoError';
    this.errorName = errorName;
  }
}

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
    let answer = await this.#request<Answer>(`${this.#connection.url}/v1/statement`, signal, {
      method: 'POST',
      body: statement,
      headers: { ...sessionHeader(session), ...sourceHeader(tenant) },
    });
    const { id } = answer;
    onQueryId?.(id);
    let isOver = false;
    try {
      for (;;) {
        if (answer.error !== undefined) {
          isOver = true;
          throw failed(answer.error, id);
        }
        const { columns, data, nextUri } = answer;
        if (columns !== undefined && data !== undefined && data.length > 0)
          yield { columns: columns.map(({ name }) => name), rows: data };
        if (nextUri === undefined) break;
        answer = await this.#request<Answer>(this.#here(nextUri), signal);
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
    const { nodeVersion, starting } = await this.#request<ServerInfo>(
      `${this.#connection.url}/v1/info`,
      signal,
    );
    return { version: nodeVersion?.version ?? 'unknown', isStarting: starting === true };
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

  async #request<T>(url: string, signal: AbortSignal | undefined, init: RequestInit = {}): Promise<T> {
    const response = await this.#fetch(url, signal, init);
    const text = await response.text();
    if (!response.ok)
      throw new TrinoError(
        `Trino at ${this.#connection.url} answered ${response.status}: ${text.slice(0, 200)}`,
        { errorName: `HTTP_${response.status}`, retryable: busyStatuses.has(response.status) },
      );
    return JSON.parse(text) as T;
  }

  /** A request, repeated while the server is busy or the connection breaks: each page can be fetched twice. */
  async #fetch(url: string, signal: AbortSignal | undefined, init: RequestInit): Promise<Response> {
    for (let attempt = 1, pauseMs = firstPauseMs; ; attempt += 1, pauseMs *= 2) {
      try {
        const response = await fetch(url, {
          ...init,
          headers: { ...this.#headers(), ...(init.headers as Record<string, string> | undefined) },
          signal: signal ?? null,
        });
        if (attempt === maxAttempts || !busyStatuses.has(response.status)) return response;
        await response.body?.cancel();
      } catch (cause) {
        signal?.throwIfAborted();
        if (attempt === maxAttempts)
          throw new TrinoError(`Trino at ${this.#connection.url} cannot be reached: ${reasonOf(cause)}`, {
            errorName: 'UNREACHABLE',
            retryable: true,
          });
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

function sourceHeader(tenant: string | undefined): Record<string, string> {
  return { 'X-Trino-Source': tenant === undefined ? 'ocp-pipeline' : `ocp-pipeline.${tenant}` };
}

function sessionHeader(session: Readonly<Record<string, string>>): Record<string, string> {
  const properties = Object.entries(session).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return properties.length === 0 ? {} : { 'X-Trino-Session': properties.join(',') };
}

function failed({ message, errorName, errorType }: NonNullable<Answer['error']>, id: string): TrinoError {
  const isPassing = passingErrors.has(errorType) || errorName === 'NO_NODES_AVAILABLE';
  return new TrinoError(`Trino query ${id} failed: ${message} (${errorName})`, {
    errorName,
    retryable: isPassing,
  });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** A text as a literal of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as an identifier of SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
