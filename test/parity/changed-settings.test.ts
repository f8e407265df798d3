import { beforeAll, expect, test } from 'vitest';
import { openPool } from '../../platform/database/database.ts';
import { pinnedSettings } from '../../platform/database/session-settings.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import {
  changedBySuperuser,
  changedSettings,
  changedSince17,
  changeSettings,
} from '../support/changed-settings.ts';
import { createTestDatabase } from '../support/database.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { onServer } from '../support/template-database.ts';

let pipeline: TestPipeline;
let changed: Record<string, string>;

beforeAll(async () => {
  pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
  const { url } = pipeline.database;
  const version = await onServer(url, (client) =>
    client.query<{ n: number }>(`select current_setting('server_version_num')::int as n`),
  );
  changed = {
    ...changedSettings,
    ...changedBySuperuser,
    ...((version.rows[0]?.n ?? 0) >= 170_000 ? changedSince17 : {}),
  };
  await changeSettings(url, new URL(url).username, changed);
});

test('sessions of others have the changed settings', async () => {
  const { rows } = await onServer(pipeline.database.url, (client) =>
    client.query<{ name: string; setting: string }>(
      'select name, setting from pg_catalog.pg_settings where name = any($1)',
      [
        [
          'DateStyle',
          'default_transaction_read_only',
          'session_replication_role',
          'extra_float_digits',
          'enable_hashagg',
        ],
      ],
    ),
  );
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
    DateStyle: 'SQL, DMY',
    default_transaction_read_only: 'on',
    session_replication_role: 'replica',
    extra_float_digits: '-15',
    enable_hashagg: 'off',
  });
});

test('ours have the same settings as in a database where nothing was changed', async () => {
  const plain = await createTestDatabase();
  const names = [
    ...pinnedSettings,
    'transaction_isolation',
    'transaction_read_only',
    'transaction_deferrable',
  ];
  const read = async (url: string) => {
    const pool = openPool({ url, size: 1, applicationName: 'test' });
    // The second transaction on the connection is no different from the first.
    await pool.query('select 1');
    const { rows } = await pool.query<{ name: string; setting: string }>(
      'select name, current_setting(name, true) as setting from unnest($1::text[]) as listed (name)',
      [names],
    );
    await pool.end();
    return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  };
  const ours = await read(pipeline.database.url);
  expect(ours).toEqual(await read(plain.url));
  for (const [name, value] of Object.entries(changed))
    if (names.includes(name)) expect(ours[name], name).not.toBe(value);
});

test('the sample payload gives the tables that Koku computes', async () => {
  const { pool, schema } = pipeline.database;
  await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await setTagKeys(pool, schema, await goldenEnabledKeys('small'), true);
  expect(await pipeline.ingest(payloadPath('nise-small'))).toMatchObject({
    outcome: 'completed',
    daysSummarised: 3,
    summaryRowCount: 150,
  });
  for (const table of [
    'reporting_ocpusagelineitem_daily_summary',
    'reporting_ocp_cost_summary_p',
    'reporting_ocp_cost_summary_by_node_p',
    'reporting_ocp_pod_summary_by_project_p',
    'reporting_ocp_volume_summary_by_project_p',
    'reporting_ocp_vm_summary_p',
    'reporting_ocpusagepodlabel_summary',
    'reporting_ocptags_values',
    'reporting_ocp_nodes',
    'reporting_ocp_pvcs',
    'reporting_ocpusagereportperiod',
  ])
    await expectGolden(pipeline.database, 'small', table);
});
