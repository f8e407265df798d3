import { expect, inject, test } from 'vitest';
import { onServer } from '../support/template-database.ts';

test('these tests run on the version that was asked for', async () => {
  const { rows } = await onServer(inject('postgresUrl'), (client) =>
    client.query<{ version: number }>(`select current_setting('server_version_num')::int / 10000 as version`),
  );
  expect(String(rows[0]?.version)).toBe(process.env['OCP_TEST_POSTGRES']);
  expect(['16', '17']).toContain(process.env['OCP_TEST_POSTGRES']);
});
