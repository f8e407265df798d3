import type { Argv } from 'yargs';
import { createApiToken, listApiTokens, revokeApiToken } from '../../api/tokens.ts';
import type { ListedApiToken } from '../../api/tokens.ts';
import type { Command } from '../command.ts';
import { table } from '../output.ts';
import { openServices } from '../services.ts';
import { lifetimeOf, withTokenDays } from '../token-days.ts';

interface CreateOptions {
  org: string;
  cluster: string[];
  node: string[];
  project: string[];
  days: number | undefined;
  description: string | undefined;
}

const names = (what: string) =>
  ({
    type: 'string',
    array: true,
    default: [] as string[],
    defaultDescription: 'all',
    describe: `only this ${what}; repeat it for more`,
  }) as const;

export const apiTokenCreateCommand: Command<CreateOptions> = {
  options: (parser): Argv<CreateOptions> =>
    withTokenDays(
      parser
        .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
        .option('cluster', names('cluster (id or alias)'))
        .option('node', names('node'))
        .option('project', names('project (namespace)')),
    ).option('description', { type: 'string', describe: 'what it is for' }),
  run: async ({ org, cluster, node, project, days, description }, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const created = await createApiToken(services.pool, {
        orgId: org,
        clusters: cluster,
        nodes: node,
        projects: project,
        lifetimeSeconds: lifetimeOf({ days }),
        description,
      });
      const shown = { clusters: cluster, nodes: node, projects: project };
      output.result(
        `Token ${created.name} reads reports of organisation ${org}: ${shownLists(shown)}\n${created.token}\n` +
          'It is not shown again: it is stored nowhere.',
        { ...created, orgId: org, ...shown },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

function shownLists({
  clusters,
  nodes,
  projects,
}: Pick<ListedApiToken, 'clusters' | 'nodes' | 'projects'>): string {
  const restricted = Object.entries({ clusters, nodes, projects }).filter(
    ([, list]) => list.length > 0 && !list.includes('*'),
  );
  return restricted.length === 0
    ? 'everything'
    : restricted.map(([kind, list]) => `${kind} ${list.join(', ')}`).join('; ');
}

interface RevokeOptions {
  token: string;
}

export const apiTokenRevokeCommand: Command<RevokeOptions> = {
  options: (parser): Argv<RevokeOptions> =>
    parser.positional('token', {
      type: 'string',
      demandOption: true,
      describe: 'id of the token, as listed, or the token',
    }),
  run: async ({ token }, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const name = await revokeApiToken(services.pool, token);
      output.result(`Token ${name} is refused from now on`, { name });
      return 0;
    } finally {
      await services.close();
    }
  },
};

interface ListOptions {
  org: string | undefined;
}

export const apiTokenListCommand: Command<ListOptions> = {
  options: (parser): Argv<ListOptions> =>
    parser.option('org', { type: 'string', describe: 'only this organisation' }),
  run: async ({ org }, output) => {
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const tokens = await listApiTokens(services.pool, org);
      output.result(
        table(
          ['token', 'org', 'shows', 'created', 'last used', 'state', 'description'],
          tokens.map((token) => [
            token.name,
            token.orgId,
            shownLists(token),
            minute(token.createdAt),
            token.lastUsedAt === null ? 'never' : minute(token.lastUsedAt),
            stateOf(token),
            token.description ?? '',
          ]),
          'There is no token. Create one: ocp-pipeline api token create --org ID',
        ),
        tokens,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

const minute = (time: Date) => time.toISOString().slice(0, 16).replace('T', ' ');

function stateOf({ revokedAt, expiresAt }: ListedApiToken): string {
  if (revokedAt !== null) return `revoked ${minute(revokedAt)}`;
  if (expiresAt === null) return 'valid';
  return `${expiresAt.getTime() < Date.now() ? 'expired' : 'valid until'} ${minute(expiresAt)}`;
}
