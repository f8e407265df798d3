import type { Argv } from 'yargs';
import { createClient, revokeCredential, rotateClient } from '../../platform/tenants/credentials.ts';
import type { IssuedCredential } from '../../platform/tenants/credentials.ts';
import type { Command } from '../command.ts';
import { showCredentials, withDatabase } from '../credential-output.ts';

interface CreateOptions {
  org: string;
  cluster: string;
}

export const clientCreateCommand: Command<CreateOptions> = {
  options: (parser): Argv<CreateOptions> =>
    parser
      .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
      .option('cluster', {
        type: 'string',
        demandOption: true,
        describe: 'cluster id, as in manifest.json; it need not be registered yet',
      }),
  run: ({ org, cluster }, output) =>
    withDatabase(output, async (pool) => {
      const client = await createClient(pool, { orgId: org, clusterId: cluster });
      output.result(`Client for cluster ${cluster} of organisation ${org}\n${secretText(client)}`, client);
    }),
};

function secretText({ name, secret }: IssuedCredential): string {
  return `client id:     ${name}\nclient secret: ${secret}\nThe secret is not shown again: it is stored nowhere.`;
}

interface ClientOptions {
  client: string;
}

export const clientRotateCommand: Command<ClientOptions> = {
  options: (parser) => withClient(parser),
  run: ({ client }, output) =>
    withDatabase(output, async (pool) => {
      const rotated = await rotateClient(pool, client);
      output.result(
        `The old secret and tokens issued for it are refused from now on\n${secretText(rotated)}`,
        rotated,
      );
    }),
};

export const clientRevokeCommand: Command<ClientOptions> = {
  options: (parser) => withClient(parser),
  run: ({ client }, output) =>
    withDatabase(output, async (pool) => {
      const revoked = await revokeCredential(pool, 'client', client);
      output.result(`Client ${revoked.name} and its tokens are refused from now on`, revoked);
    }),
};

function withClient<T>(parser: Argv<T>): Argv<T & ClientOptions> {
  return parser.positional('client', {
    type: 'string',
    demandOption: true,
    describe: 'client id',
  });
}

interface ListOptions {
  org: string | undefined;
}

export const clientListCommand: Command<ListOptions> = {
  options: (parser): Argv<ListOptions> =>
    parser.option('org', { type: 'string', describe: 'only this organisation' }),
  run: ({ org }, output) => showCredentials(output, 'client', org),
};
