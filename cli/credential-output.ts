import type { Pool } from 'pg';
import { listCredentials } from '../platform/tenants/credentials.ts';
import type { CredentialKind, ListedCredential } from '../platform/tenants/credentials.ts';
import type { Output } from './output.ts';
import { table } from './output.ts';
import { openServices } from './services.ts';

/** Run a command that needs nothing but the migrated database. */
export async function withDatabase(output: Output, work: (pool: Pool) => Promise<void>): Promise<number> {
  const services = await openServices(output.say, { migrate: 'public' });
  try {
    await work(services.pool);
    return 0;
  } finally {
    await services.close();
  }
}

/** List credentials of one kind. */
export async function showCredentials(
  output: Output,
  kind: CredentialKind,
  orgId: string | undefined,
): Promise<number> {
  return withDatabase(output, async (pool) => {
    const listed = await listCredentials(pool, kind, orgId);
    const add = `ocp-pipeline source ${kind} create --org ID --cluster ID`;
    output.result(
      table(
        [kind, 'org', 'cluster', 'created', 'last used', 'state'],
        listed.map((credential) => [
          credential.name,
          credential.orgId,
          credential.clusterId ?? 'all',
          day(credential.createdAt),
          credential.lastUsedAt === null ? 'never' : day(credential.lastUsedAt),
          stateOf(credential),
        ]),
        `There is no ${kind}. Create one: ${add}`,
      ),
      listed,
    );
  });
}

const day = (time: Date) => time.toISOString().slice(0, 16).replace('T', ' ');

function stateOf({ revokedAt, expiresAt }: ListedCredential): string {
  if (revokedAt !== null) return `revoked ${day(revokedAt)}`;
  if (expiresAt === null) return 'valid';
  return `${expiresAt.getTime() < Date.now() ? 'expired' : 'valid until'} ${day(expiresAt)}`;
}
