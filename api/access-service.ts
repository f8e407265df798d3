import { createHash } from 'node:crypto';
import { z } from 'zod';
import { accessLists, fullAccess } from './access.ts';
import type { AccessLists, Restrictable } from './access.ts';
import { dependencyFailed, forbidden } from './errors.ts';
import type { Identity } from './identity.ts';

/** How long lists are remembered, as Koku does. */
const rememberedMs = 300_000;
/** How long the service may take, and how many pages it may have. */
const patienceMs = 5_000;
const maxPages = 20;
/** The oldest is forgotten first. */
const maxRemembered = 5_000;

const filterSchema = z.object({
  attributeFilter: z.object({
    operation: z.string(),
    value: z.union([z.string(), z.array(z.string())]).nullish(),
  }),
});
const pageSchema = z.object({
  data: z.array(z.object({ permission: z.string(), resourceDefinitions: z.array(filterSchema).default([]) })),
  links: z.object({ next: z.string().nullish() }).optional(),
});
type Permission = z.infer<typeof pageSchema>['data'][number];

const kinds: Readonly<Record<string, Restrictable>> = {
  'openshift.cluster': 'cluster',
  'openshift.node': 'node',
  'openshift.project': 'project',
};

/** The access lists of identities: from Koku's access service, or from the identity alone. */
export class AccessService {
  readonly #url: string | undefined;
  readonly #now: () => number;
  readonly #remembered = new Map<string, { access: AccessLists | undefined; untilMs: number }>();

  /** @param url address of the service; undefined: administrators see everything, others nothing */
  constructor(url: string | undefined, now: () => number = () => performance.now()) {
    this.#url = url;
    this.#now = now;
  }

  /**
   * What an identity may see.
   * @throws ApiError 403 if that is nothing; 424 if the service does not answer
   */
  async accessOf(identity: Identity): Promise<AccessLists> {
    if (identity.isOrgAdmin) return fullAccess;
    if (this.#url === undefined)
      throw forbidden('Only administrators of the organisation may read its reports here.');
    const key = createHash('sha256').update(identity.header).digest('hex');
    const known = this.#remembered.get(key);
    if (known !== undefined && known.untilMs > this.#now()) return granted(known.access);
    const access = listsOf(await this.#permissions(this.#url, identity));
    this.#remembered.delete(key);
    this.#remembered.set(key, { access, untilMs: this.#now() + rememberedMs });
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= maxRemembered) break;
      this.#remembered.delete(oldest);
    }
    return granted(access);
  }

  async #permissions(base: string, { header }: Identity): Promise<Permission[]> {
    const found: Permission[] = [];
    let next: string | null | undefined = '/api/rbac/v1/access/?application=cost-management&limit=1000';
    try {
      for (let page = 0; next !== null && next !== undefined && page < maxPages; page += 1) {
        const url: URL = new URL(next, base);
        // The header is a credential: it goes to no other server.
        if (url.origin !== new URL(base).origin) throw new Error('the next page is on another server');
        const response = await fetch(url, {
          headers: { 'x-rh-identity': header, accept: 'application/json' },
          signal: AbortSignal.timeout(patienceMs),
          redirect: 'error',
        });
        if (!response.ok) throw new Error(`status ${response.status}`);
        const { data, links } = pageSchema.parse(await response.json());
        found.push(...data);
        next = links?.next;
      }
    } catch (error) {
      throw dependencyFailed('The access service does not answer; try again later.', error);
    }
    return found;
  }
}

function granted(access: AccessLists | undefined): AccessLists {
  if (access === undefined) throw forbidden('You have no access to any cluster.');
  return access;
}

/** Lists of permissions such as `cost-management:openshift.cluster:read`; undefined without any cluster. */
function listsOf(permissions: readonly Permission[]): AccessLists | undefined {
  const lists: Record<Restrictable, string[]> = { cluster: [], node: [], project: [] };
  for (const { permission, resourceDefinitions } of permissions) {
    const [application, type = '', verb = ''] = permission.split(':');
    if (application !== 'cost-management' || !['read', '*'].includes(verb)) continue;
    const kind = kinds[type];
    const to = type === '*' ? Object.values(lists) : kind === undefined ? [] : [lists[kind]];
    for (const list of to) list.push(...valuesOf(resourceDefinitions));
  }
  return lists.cluster.length === 0 ? undefined : accessLists(lists);
}

function valuesOf(definitions: Permission['resourceDefinitions']): string[] {
  if (definitions.length === 0) return ['*'];
  return definitions.flatMap(({ attributeFilter: { operation, value } }) => {
    if (value === null || value === undefined) return [];
    if (Array.isArray(value)) return value;
    return operation === 'in' ? value.split(',').map((name) => name.trim()) : [value];
  });
}
