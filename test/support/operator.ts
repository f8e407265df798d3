import { archiveForm } from './http-app.ts';

/** How an operator logs in. */
export type OperatorLogin =
  | { type: 'service-account'; tokenUrl: string; clientId: string; clientSecret: string }
  | { type: 'bearer'; token: string }
  | { type: 'basic'; user: string; password: string }
  | { type: 'token'; pullSecret: string };

/** What the calls of one cycle answered. */
export interface Cycle {
  /** `GET sources → 200` and so on */
  calls: string[];
  /** request id of each accepted archive */
  requestIds: string[];
  /** sentence of the answer at which it stopped */
  stoppedBy: string | undefined;
}

interface List {
  meta: { count: number };
  data: { id: string; name: string; source_ref?: string }[];
}

const json = { 'content-type': 'application/json' };

/**
 * Does what koku-metrics-operator does in one cycle: logs in, asks the Sources API, creates the source if it is
 * missing, uploads archive after archive, and stops at the first surprise.
 */
export class Operator {
  readonly #url: string;
  readonly #clusterId: string;
  readonly #login: OperatorLogin;
  readonly #calls: string[] = [];

  constructor(url: string, clusterId: string, login: OperatorLogin) {
    this.#url = url;
    this.#clusterId = clusterId;
    this.#login = login;
  }

  async cycle(name: string, archives: readonly Uint8Array[]): Promise<Cycle> {
    this.#calls.length = 0;
    const requestIds: string[] = [];
    let stoppedBy: string | undefined;
    try {
      const authorization = await this.#authorization();
      await this.#ensureSource(name, authorization);
      for (const archive of archives) requestIds.push(await this.#upload(archive, authorization));
    } catch (error) {
      stoppedBy = (error as Error).message;
    }
    return { calls: [...this.#calls], requestIds, stoppedBy };
  }

  async #authorization(): Promise<string> {
    const login = this.#login;
    if (login.type === 'basic')
      return `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
    if (login.type === 'token') return `Bearer ${login.pullSecret}`;
    if (login.type === 'bearer') return `Bearer ${login.token}`;
    const answer = await this.#call(login.tokenUrl, 200, {
      method: 'POST',
      signal: AbortSignal.timeout(5_000),
      body: new URLSearchParams({
        client_id: login.clientId,
        client_secret: login.clientSecret,
        grant_type: 'client_credentials',
        scope: 'api.console',
      }),
    });
    return `Bearer ${((await answer.json()) as { access_token: string }).access_token}`;
  }

  async #ensureSource(name: string, authorization: string): Promise<void> {
    const sourceType = await this.#one('source_types?filter[name]=openshift', authorization);
    const mine = `sources?filter[source_type_id]=${sourceType}&filter[source_ref]=${this.#clusterId}`;
    if ((await this.#list(mine, authorization)).meta.count > 0) return;
    const named = await this.#list(`sources?filter[name]=${encodeURIComponent(name)}`, authorization);
    if (named.data.some(({ source_ref }) => source_ref !== this.#clusterId))
      throw new Error('the name belongs to another cluster');
    const application = await this.#one(
      'application_types?filter[name]=/insights/platform/cost-management',
      authorization,
    );
    const source = await this.#post('sources', authorization, {
      source_type_id: sourceType,
      name,
      source_ref: this.#clusterId,
    });
    await this.#post('applications', authorization, {
      source_id: source.id,
      application_type_id: application,
    });
  }

  async #upload(archive: Uint8Array, authorization: string): Promise<string> {
    const answer = await this.#call(`${this.#url}/api/ingress/v1/upload`, 202, {
      method: 'POST',
      signal: AbortSignal.timeout(30_000),
      headers: { authorization, 'user-agent': `cost-mgmt-operator/test cluster/${this.#clusterId}` },
      body: archiveForm(archive),
    });
    return answer.headers.get('x-rh-insights-request-id') ?? '';
  }

  async #one(path: string, authorization: string): Promise<string> {
    const { meta, data } = await this.#list(path, authorization);
    if (meta.count !== 1) throw new Error(`${path}: expected one, found ${meta.count}`);
    return data[0]?.id ?? '';
  }

  async #list(path: string, authorization: string): Promise<List> {
    const answer = await this.#call(this.#api(path), 200, { headers: { ...json, authorization } });
    return (await answer.json()) as List;
  }

  async #post(path: string, authorization: string, body: object): Promise<{ id: string }> {
    const answer = await this.#call(this.#api(path), 201, {
      method: 'POST',
      headers: { ...json, authorization },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as { id: string };
  }

  #api(path: string): string {
    return `${this.#url}/api/cost-management/v1/${path}`;
  }

  async #call(url: string, expected: number, init: RequestInit): Promise<Response> {
    const answer = await fetch(url, init);
    const path = new URL(url).pathname.replace(/^.*\/v1\//, '');
    this.#calls.push(`${init.method ?? 'GET'} ${path} ${answer.status}`);
    if (answer.status === expected) return answer;
    const { errors } = (await answer.json()) as { errors: { detail: string }[] };
    throw new Error(errors[0]?.detail ?? `status ${answer.status}`);
  }
}
