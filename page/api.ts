import { readable } from './readable.ts';

/** Why a call failed, in words for the reader. */
export class CallFailed extends Error {
  readonly status: number | undefined;
  readonly requestId: string | undefined;

  constructor(
    message: string,
    { status, requestId }: { status?: number; requestId?: string | undefined } = {},
  ) {
    super(message);
    this.name = 'CallFailed';
    this.status = status;
    this.requestId = requestId;
  }
}

/** How long the page waits for an answer, ms. */
const patienceMs = 60_000;
const tokenKey = 'ocp-token';
/** Relative to the page's own address, so that a proxy may put both anywhere. */
const base = new URL(
  document.querySelector<HTMLMetaElement>('meta[name="read-api"]')?.content ?? '',
  document.baseURI,
);

/**
 * The read API. Calls of one address share one request. The token is kept for this tab only, never in an address.
 */
export class Api {
  readonly #answers = new Map<string, Promise<unknown>>();
  readonly #requests = new Map<string, string>();
  readonly #notConverted = new Map<string, readonly string[]>();
  readonly #signedOut: () => void;
  #token: string | undefined;

  /** @param signedOut called when an answer says that a login is needed */
  constructor(signedOut: () => void) {
    this.#signedOut = signedOut;
    this.#token = sessionStorage.getItem(tokenKey) ?? undefined;
  }

  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  signIn(token: string): void {
    sessionStorage.setItem(tokenKey, token);
    this.#token = token;
    this.#answers.clear();
  }

  signOut(): void {
    sessionStorage.removeItem(tokenKey);
    this.#token = undefined;
    this.#answers.clear();
  }

  /** @param path below the API's address, with its query */
  get<T>(path: string): Promise<T> {
    return this.#remembered(path, () =>
      this.#ask(path, 'application/json', async (response) => readable(path, await response.json()) as T),
    );
  }

  /** The same report as CSV. */
  csv(path: string): Promise<string> {
    return this.#remembered(csvName(path), () => this.#ask(path, 'text/csv', (response) => response.text()));
  }

  /** What it was answered is not used any more: it is asked for again next time. */
  forget(path: string): void {
    this.#answers.delete(path);
    this.#answers.delete(csvName(path));
  }

  /** The id of the request that was answered last, which the log of the server has. */
  requestOf(path: string): string | undefined {
    return this.#requests.get(path);
  }

  /** Currencies of amounts in the last answer for which no exchange rate is known, in their order. */
  notConvertedOf(path: string): readonly string[] {
    return this.#notConverted.get(path) ?? [];
  }

  #remembered<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(name);
    if (known !== undefined) return known as Promise<T>;
    const answer = ask();
    // What failed is asked for again next time, but for what somebody else has asked for meanwhile.
    answer.catch(() => {
      if (this.#answers.get(name) === answer) this.#answers.delete(name);
    });
    this.#answers.set(name, answer);
    return answer;
  }

  async #ask<T>(path: string, accept: string, read: (response: Response) => Promise<T>): Promise<T> {
    const token = this.#token;
    const headers = new Headers({ accept });
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), patienceMs);
    // The body may take longer than the head.
    const failed = (sentence: string, requestId?: string) =>
      new CallFailed(patience.signal.aborted ? 'There was no answer within a minute.' : sentence, {
        requestId,
      });
    const options = { headers, credentials: 'same-origin', signal: patience.signal } as const;
    try {
      const response = await fetch(new URL(path, base), options).catch(() => {
        throw failed('The server cannot be reached.');
      });
      if (!response.ok) {
        // The answer to a token that was given up meanwhile says nothing about the one of now.
        if (response.status === 401 && token === this.#token) this.#signedOut();
        throw await failureOf(response);
      }
      const requestId = response.headers.get('x-request-id') ?? undefined;
      if (requestId !== undefined) this.#requests.set(path, requestId);
      this.#notConverted.set(path, response.headers.get('x-not-converted')?.split(', ') ?? []);
      return await read(response).catch(() => {
        throw failed(
          'The answer broke off, or is not one of this server: a proxy in between may have made it.',
          requestId,
        );
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

function csvName(path: string): string {
  return `${path} as CSV`;
}

const sentences: Readonly<Record<number, string>> = {
  400: 'The server does not accept this request',
  401: 'You are not signed in.',
  403: 'You have no access to this',
  424: 'The database or the access service does not answer',
  429: 'Too many requests in one minute; try again soon.',
};

async function failureOf(response: Response): Promise<CallFailed> {
  const { status } = response;
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const detail = detailOf(await response.json().catch(() => undefined));
  const sentence = sentences[status] ?? `The server answered with an error (${status})`;
  const message = sentence.endsWith('.')
    ? sentence
    : detail === ''
      ? `${sentence}.`
      : `${sentence}: ${detail}`;
  return new CallFailed(message, { status, requestId });
}

/** All texts of an error, whichever form it has. */
function detailOf(body: unknown): string {
  if (typeof body === 'string') return body;
  if (Array.isArray(body)) return body.map(detailOf).filter(Boolean).join(' ');
  if (typeof body !== 'object' || body === null) return '';
  if ('detail' in body) return detailOf(body.detail);
  return Object.entries(body)
    .map(([name, value]) =>
      name === 'errors' || name === 'error' ? detailOf(value) : `${name}: ${detailOf(value)}`,
    )
    .join(' ');
}
