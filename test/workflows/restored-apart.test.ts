import { beforeAll, expect, test } from 'vitest';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { untilBlocked } from './operator/temporal-ui.ts';

let pipeline: TestPipeline;
beforeAll(async () => {
  pipeline = await createTestPipeline();
});

test('an id that public gives again, because it was restored from before the ledger, is told with the statement that mends it', async () => {
  const folder = await createArchiveFolder();
  const { pool, schema } = pipeline.database;
  const archiveOf = (clusterId: string) => {
    const hours = hoursBetween('2026-10-06 00:00', '2026-10-06 03:00');
    return folder.pack(withManifest(buildPayload(rowsOf(steadyCluster, hours)), { cluster_id: clusterId }));
  };
  await pipeline.addSource('first');
  await pipeline.addSource('second');
  await pipeline.ingest(await archiveOf('first'));
  const { rows } = await pool.query<{ id: number; uuid: string }>(
    `select manifest_id as id, manifest_uuid as uuid from ${schema}.ocp_manifest`,
  );
  const { id = 0, uuid = '' } = rows[0] ?? {};
  await pool.query('truncate public.reporting_common_costusagereportmanifest cascade');
  const sequence = `pg_get_serial_sequence('public.reporting_common_costusagereportmanifest', 'id')`;
  await pool.query(`select setval(${sequence}, $1, false)`, [id]);

  const { handle } = await pipeline.start({ payload: await archiveOf('second') });
  const failure = await untilBlocked(handle);
  expect(failure).toMatchObject({ step: 'splitPayload', errorType: 'ManifestIdTaken' });
  expect(failure.message).toContain(
    `the id ${id}, which the ledger of schema ${schema} already uses for manifest ${uuid}`,
  );
  const statement = /select setval\(.*\)$/.exec(failure.message)?.[0];
  expect(statement).toBe(`select setval(${sequence}, ${id})`);

  await pool.query(`select setval(${sequence}, ${id})`);
  await handle.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failure.failureId, action: 'retry' }],
  });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
});
