import { expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import {
  anotherManifest,
  between,
  createArchiveFolder,
  readPayload,
  withManifest,
} from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';

test('a month keeps the rules that it was first summarised with', async () => {
  const pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
  const { database } = pipeline;
  const folder = await createArchiveFolder();
  const payload = await readPayload('nise-small');
  const firstDay = between(payload, '2026-10-01 00:00', '2026-10-02 00:00');
  const send = async (cluster: string, part: typeof payload) =>
    pipeline.ingest(await folder.pack(withManifest(part, { cluster_id: cluster })));

  const kokuAlone = await pipeline.addSource('koku-alone');
  await send('koku-alone', payload);
  const kept = await pipeline.addSource('kept');
  await send('kept', firstDay);

  await setTenantSettings(pipeline.database.pool, database.orgId, [['rules', 'design']]);
  await send('kept', anotherManifest(payload, { date: '2026-10-04T01:00:00Z' }));
  const designAlone = await pipeline.addSource('design-alone');
  await send('design-alone', payload);

  const rulesOf = (source: string) =>
    inTenantTransaction(database.pool, database.schema, async (client) => {
      const { rows } = await client.query(
        `select 'month' as what, rules from ocp_source_month where source_uuid = $1
         union all
         select usage_day::text, rules from ocp_day where source_uuid = $1
         order by what`,
        [source],
      );
      return rows as { what: string; rules: string }[];
    });
  const whole = (rules: string) =>
    ['2026-10-01', '2026-10-02', '2026-10-03', 'month'].map((what) => ({ what, rules }));
  expect(await rulesOf(kept)).toEqual(whole('koku'));
  expect(await rulesOf(designAlone)).toEqual(whole('design'));
  const tables = await snapshotTables(database, kept);
  expectSameTables(tables, await snapshotTables(database, kokuAlone));
  const designTables = await snapshotTables(database, designAlone);
  expect(() => expectSameTables(tables, designTables)).toThrow();
});
