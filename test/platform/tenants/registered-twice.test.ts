import { expect, test } from 'vitest';
import { registerSource } from '../../../platform/tenants/sources.ts';
import { matchSource } from '../../../platform/tenants/tenant.ts';
import { createTestDatabase } from '../../support/database.ts';

test('of a cluster that an organisation has twice, registration means the one that payloads go to', async () => {
  const { pool, url, orgId } = await createTestDatabase();
  const register = (name: string) =>
    registerSource(
      { pool, databaseUrl: url, log: { info: () => undefined } },
      { orgId, clusterId: 'twice', name },
    );
  const first = await register('first');
  // As a source that was switched off in Koku, and one that was made in its place.
  await pool.query('update public.api_provider set active = false where uuid = $1', [first.sourceUuid]);
  const { rows } = await pool.query<{ uuid: string }>(
    `insert into public.api_provider
         (uuid, name, type, setup_complete, active, paused, customer_id, authentication_id, created_timestamp)
     select gen_random_uuid(), 'second', type, setup_complete, true, false, customer_id, authentication_id, now()
     from public.api_provider where uuid = $1
     returning uuid`,
    [first.sourceUuid],
  );
  const second = rows[0]?.uuid;
  expect(await register('renamed')).toMatchObject({ sourceUuid: second, created: false });
  expect(await matchSource(pool, orgId, 'twice')).toMatchObject({
    sourceUuid: second,
    clusterAlias: 'renamed',
  });
});
