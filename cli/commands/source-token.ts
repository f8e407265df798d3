import type { Argv } from 'yargs';
import { createToken, revokeCredential } from '../../platform/tenants/credentials.ts';
import type { Command } from '../command.ts';
import { showCredentials, withDatabase } from '../credential-output.ts';
import { lifetimeOf, withTokenDays } from '../token-days.ts';

interface CreateOptions {
  org: string;
  cluster: string | undefined;
  days: number | undefined;
}

export const tokenCreateCommand: Command<CreateOptions> = {
  options: (parser): Argv<CreateOptions> =>
    withTokenDays(
      parser
        .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
        .option('cluster', {
          type: 'string',
          describe: 'only this cluster (default: all of the organisation)',
        }),
    ),
  run: ({ org, cluster, days }, output) =>
    withDatabase(output, async (pool) => {
      const token = await createToken(pool, {
        orgId: org,
        clusterId: cluster,
        lifetimeSeconds: lifetimeOf({ days }),
      });
      const whose =
        cluster === undefined ? `organisation ${org}` : `cluster ${cluster} of organisation ${org}`;
      output.result(
        `Token ${token.name} for ${whose}\n${token.secret}\nIt is not shown again: it is stored nowhere.`,
        token,
      );
    }),
};

interface RevokeOptions {
  token: string;
}

export const tokenRevokeCommand: Command<RevokeOptions> = {
  options: (parser): Argv<RevokeOptions> =>
    parser.positional('token', {
      type: 'string',
      demandOption: true,
      describe: 'id of the token, as listed, or the token',
    }),
  run: ({ token }, output) =>
    withDatabase(output, async (pool) => {
      const revoked = await revokeCredential(pool, 'token', token);
      output.result(`Token ${revoked.name} is refused from now on`, revoked);
    }),
};

interface ListOptions {
  org: string | undefined;
}

export const tokenListCommand: Command<ListOptions> = {
  options: (parser): Argv<ListOptions> =>
    parser.option('org', { type: 'string', describe: 'only this organisation' }),
  run: ({ org }, output) => showCredentials(output, 'token', org),
};
