import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AccessService } from '../../api/access-service.ts';
import { fullAccess } from '../../api/access.ts';
import { ApiError } from '../../api/errors.ts';
import { identityOf } from '../../api/identity.ts';
import type { Identity } from '../../api/identity.ts';
import { createApiToken, listApiTokens, revokeApiToken, verifyApiToken } from '../../api/tokens.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const entitlements = { cost_management: { is_entitled: true } };
const user = { username: 'ann', email: '', is_org_admin: false };
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

function thrown(work: () => unknown): { status: number; body: unknown } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status, body: error.body };
    throw error;
  }
}

describe('the identity header', () => {
  test('names a user or a service account', () => {
    expect(identityOf(encoded({ identity: { org_id: 7, type: 'User', user }, entitlements }))).toMatchObject({
      orgId: '7',
      username: 'ann',
      isOrgAdmin: false,
    });
    const service_account = { username: 'robot' };
    expect(
      identityOf(
        encoded({ identity: { org_id: '7', type: 'ServiceAccount', service_account }, entitlements }),
      ),
    ).toMatchObject({ username: 'robot', isOrgAdmin: false });
  });

  test.for([
    ['absent', undefined],
    ['no JSON', Buffer.from('hello').toString('base64')],
    ['no organisation', encoded({ identity: { user }, entitlements })],
    ['an organisation that is SQL', encoded({ identity: { org_id: "a'; --", user }, entitlements })],
    ['no username', encoded({ identity: { org_id: '7', user: { email: 'a@b' } }, entitlements })],
    [
      'no email',
      encoded({ identity: { org_id: '7', user: { username: 'ann', email: null } }, entitlements }),
    ],
    ['a user in the wrong place', encoded({ identity: { org_id: '7', type: 'System', user }, entitlements })],
  ])('is 401 without a body: %s', ([, header]) => {
    expect(thrown(() => identityOf(header))).toEqual({ status: 401, body: undefined });
  });

  test.for([
    ['no base64', '{"identity":{}}'],
    [
      'not entitled',
      encoded({ identity: { org_id: '7', user }, entitlements: { cost_management: { is_entitled: false } } }),
    ],
    ['no entitlements', encoded({ identity: { org_id: '7', user } })],
  ])('is 403: %s', ([, header]) => {
    expect(thrown(() => identityOf(header))).toMatchObject({ status: 403 });
  });
});

describe('the access service', () => {
  let server: Server;
  let url: string;
  let answers: { status: number; body: unknown }[];
  let requests: { path: string; header: string | undefined }[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push({
        path: request.url ?? '',
        header: request.headers['x-rh-identity'] as string | undefined,
      });
      const { status, body } = answers[Math.min(requests.length, answers.length) - 1] ?? {
        status: 500,
        body: {},
      };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    requests = [];
    answers = [];
  });

  afterAll(() => server.close());

  const identity = (more: Partial<Identity> = {}): Identity => ({
    orgId: '7',
    username: 'ann',
    isOrgAdmin: false,
    header: 'aGVhZGVy',
    ...more,
  });
  const permission = (name: string, ...filters: { operation: string; value: unknown }[]) => ({
    permission: name,
    resourceDefinitions: filters.map((attributeFilter) => ({ attributeFilter })),
  });

  test('gives lists of clusters, nodes and projects, page by page', async () => {
    answers = [
      {
        status: 200,
        body: {
          data: [
            permission('cost-management:openshift.cluster:read', { operation: 'equal', value: 'c-1' }),
            permission('cost-management:aws.account:*'),
            permission('inventory:*:*'),
          ],
          links: { next: '/api/rbac/v1/access/?application=cost-management&offset=3' },
        },
      },
      {
        status: 200,
        body: {
          data: [
            permission('cost-management:openshift.project:read', { operation: 'in', value: 'web, ops' }),
          ],
          links: { next: null },
        },
      },
    ];
    const service = new AccessService(url);
    expect(await service.accessOf(identity())).toEqual({
      cluster: ['c-1'],
      node: undefined,
      project: ['ops', 'web'],
    });
    expect(requests.map(({ path }) => path)).toEqual([
      '/api/rbac/v1/access/?application=cost-management&limit=1000',
      '/api/rbac/v1/access/?application=cost-management&offset=3',
    ]);
    expect(requests[0]?.header).toBe('aGVhZGVy');
  });

  test('is asked again after 300 seconds, for each identity of its own', async () => {
    answers = [{ status: 200, body: { data: [permission('cost-management:*:*')] } }];
    let nowMs = 0;
    const service = new AccessService(url, () => nowMs);
    expect(await service.accessOf(identity())).toEqual(fullAccess);
    await service.accessOf(identity());
    expect(requests).toHaveLength(1);
    await service.accessOf(identity({ header: 'b3RoZXI=' }));
    expect(requests).toHaveLength(2);
    nowMs = 300_001;
    await service.accessOf(identity());
    expect(requests).toHaveLength(3);
  });

  test('no cluster is 403, and remembered too', async () => {
    answers = [{ status: 200, body: { data: [permission('cost-management:openshift.project:read')] } }];
    const service = new AccessService(url);
    await expect(service.accessOf(identity())).rejects.toMatchObject({ status: 403 });
    await expect(service.accessOf(identity())).rejects.toMatchObject({ status: 403 });
    expect(requests).toHaveLength(1);
  });

  test.for([
    ['an error', { status: 500, body: {} }],
    ['another form', { status: 200, body: { data: 'all' } }],
    ['a page elsewhere', { status: 200, body: { data: [], links: { next: 'http://192.0.2.1/' } } }],
  ] as const)('that gives %s is 424, and asked again', async ([, body]) => {
    answers = [body];
    const service = new AccessService(url);
    await expect(service.accessOf(identity())).rejects.toMatchObject({ status: 424 });
    await expect(service.accessOf(identity())).rejects.toMatchObject({ status: 424 });
    expect(requests).toHaveLength(2);
  });

  test('that is away is 424; administrators do not need it', async () => {
    const service = new AccessService('http://127.0.0.1:1');
    await expect(service.accessOf(identity())).rejects.toMatchObject({ status: 424 });
    expect(await service.accessOf(identity({ isOrgAdmin: true }))).toEqual(fullAccess);
  });

  test('that is not configured lets administrators in and nobody else', async () => {
    const service = new AccessService(undefined);
    expect(await service.accessOf(identity({ isOrgAdmin: true }))).toEqual(fullAccess);
    await expect(service.accessOf(identity())).rejects.toMatchObject({ status: 403 });
  });
});

describe('tokens', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  const nothing = { clusters: [], nodes: [], projects: [] };

  test('a token shows what it was created for', async () => {
    const { pool } = database;
    const all = await createApiToken(pool, { orgId: '7', ...nothing });
    expect(await verifyApiToken(pool, all.token)).toEqual({
      name: `api-token:${all.name}`,
      orgId: '7',
      access: fullAccess,
    });
    const some = await createApiToken(pool, {
      orgId: '7',
      clusters: ['c-1'],
      nodes: [],
      projects: ['web', 'ops'],
    });
    expect(await verifyApiToken(pool, some.token)).toMatchObject({
      access: { cluster: ['c-1'], node: undefined, project: ['ops', 'web'] },
    });
    expect((await listApiTokens(pool, '7')).map(({ projects }) => projects)).toEqual([['*'], ['web', 'ops']]);
    expect(await listApiTokens(pool, '8')).toEqual([]);
  });

  test('a wrong, expired or revoked token lets nobody in', async () => {
    const { pool } = database;
    const { token, name } = await createApiToken(pool, { orgId: '7', ...nothing });
    const other = token.endsWith('A') ? 'B' : 'A';
    for (const wrong of [`${token.slice(0, -1)}${other}`, token.slice(0, -1), '', 'ocpr_', `${token}\0`])
      expect(await verifyApiToken(pool, wrong)).toBeUndefined();
    await pool.query(`update public.api_token set expires_at = now() - interval '1 second' where name = $1`, [
      name,
    ]);
    expect(await verifyApiToken(pool, token)).toBeUndefined();
    const revoked = await createApiToken(pool, { orgId: '7', ...nothing, lifetimeSeconds: 60 });
    expect(await verifyApiToken(pool, revoked.token)).toBeDefined();
    expect(await revokeApiToken(pool, revoked.token)).toBe(revoked.name);
    expect(await verifyApiToken(pool, revoked.token)).toBeUndefined();
    await expect(revokeApiToken(pool, 'nothing')).rejects.toThrow('There is no token "nothing"');
  });

  test('the secret is stored nowhere', async () => {
    const { token } = await createApiToken(database.pool, { orgId: '7', ...nothing });
    const { rows } = await database.pool.query<{ row: string }>(
      'select api_token::text as row from public.api_token',
    );
    // ocpr_NAME_SECRET; the secret may have underscores itself.
    const secret = token.split('_').slice(2).join('_');
    expect(secret.length).toBeGreaterThan(40);
    for (const { row } of rows) expect(row).not.toContain(secret);
  });

  test('names that cannot be ones are refused', async () => {
    await expect(createApiToken(database.pool, { orgId: "7'", ...nothing })).rejects.toThrow('organisation');
    await expect(
      createApiToken(database.pool, { orgId: '7', clusters: ['a\nb'], nodes: [], projects: [] }),
    ).rejects.toThrow('control characters');
  });
});
