import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { pipeline as pipeStreams } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { beforeAll, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

const month = '2026-10-01';
const days = ['2026-10-01', '2026-10-02', '2026-10-03'];
const dailySummary = 'reporting_ocpusagelineitem_daily_summary';

let pipeline: TestPipeline;
let sourceUuid: string;

function inTenant<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
  return inTenantTransaction(pipeline.database.pool, pipeline.database.schema, work);
}

async function refreshVmAndGpu(): Promise<void> {
  await inTenant(async (client) => {
    await client.query(loadSql('summary/report-tables/vm_summary.sql'), [sourceUuid, month]);
    await client.query(loadSql('summary/report-tables/gpu_summary.sql'), [sourceUuid, days]);
  });
}

/** Load a golden CSV as it was written: an unquoted blank is NULL, a quoted one is the empty text. */
async function copyGolden(client: PoolClient, folder: string, table: string): Promise<void> {
  const path = fileURLToPath(new URL(`../fixtures/golden/${folder}/${table}.csv`, import.meta.url));
  const header = (await readFile(path, 'utf8')).split('\n', 1)[0] ?? '';
  const copy = copyFrom(`copy ${table} (${header}) from stdin with (format csv, header true)`);
  await pipeStreams(createReadStream(path), client.query(copy));
}

beforeAll(async () => {
  pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
  sourceUuid = await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
  await setTagKeys(pipeline.database.pool, pipeline.database.schema, await goldenEnabledKeys('small'), true);
  expect(await pipeline.ingest(payloadPath('nise-small'))).toMatchObject({ outcome: 'completed' });
});

describe('without a cost model', () => {
  beforeAll(refreshVmAndGpu);

  test.for(['reporting_ocp_vm_summary_p', 'reporting_ocp_gpu_summary_p'])(
    '%s equals what Koku computes from the same payload',
    async (table) => {
      await expectGolden(pipeline.database, 'small', table);
    },
  );

  test('a second refresh leaves both tables equal to Koku again', async () => {
    await refreshVmAndGpu();
    await expectGolden(pipeline.database, 'small', 'reporting_ocp_vm_summary_p');
    await expectGolden(pipeline.database, 'small', 'reporting_ocp_gpu_summary_p');
  });
});

describe('with a cost model, from the cost rows that Koku wrote', () => {
  beforeAll(async () => {
    await inTenant(async (client) => {
      for (const table of [
        'cost_model',
        'price_list',
        'cost_model_rate',
        'price_list_cost_model_map',
        'cost_model_map',
      ])
        await copyGolden(client, 'small_cm', table);
      await client.query('update cost_model_map set provider_uuid = $1', [sourceUuid]);
      await client.query(`delete from ${dailySummary} where source_uuid = $1`, [sourceUuid]);
      await copyGolden(client, 'small_cm', dailySummary);
      // Keys of the database that Koku ran in become ours; the references are checked at commit.
      await client.query(
        `update ${dailySummary}
         set source_uuid = $1,
             report_period_id = (select id from reporting_ocpusagereportperiod where provider_id = $1),
             cost_category_id = (
                 select id from reporting_ocp_cost_category
                 where name = 'Platform' and cost_category_id is not null
             )`,
        [sourceUuid],
      );
    });
    await refreshVmAndGpu();
  });

  test.for(['reporting_ocp_vm_summary_p', 'reporting_ocp_gpu_summary_p'])(
    '%s with costs equals what Koku computes',
    async (table) => {
      await expectGolden(pipeline.database, 'small_cm', table);
    },
  );

  test('a second refresh with costs leaves both tables equal to Koku again', async () => {
    await refreshVmAndGpu();
    await expectGolden(pipeline.database, 'small_cm', 'reporting_ocp_vm_summary_p');
    await expectGolden(pipeline.database, 'small_cm', 'reporting_ocp_gpu_summary_p');
  });
});
