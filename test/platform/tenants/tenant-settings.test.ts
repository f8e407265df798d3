import { expect, test } from 'vitest';
import { setTenantSettings } from '../../../platform/tenants/tenant.ts';
import { createTestDatabase } from '../../support/database.ts';

test('a shadow that is the engine since the deployment changed keeps no other setting from being stored', async () => {
  const { pool, orgId } = await createTestDatabase();
  await setTenantSettings(pool, orgId, [['shadow', 'trino']], 'postgres');
  expect(await setTenantSettings(pool, orgId, [['rules', 'koku']], 'trino')).toEqual({
    rules: 'koku',
    shadow: 'trino',
  });
  await expect(setTenantSettings(pool, orgId, [['engine', 'trino']], 'trino')).rejects.toThrow(
    'shadow=trino: expected the other engine',
  );
});
