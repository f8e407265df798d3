import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let payload: Payload;
beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  payload = await readPayload('nise-full_day1');
});

function fileNames(): string[] {
  return [...payload.files.keys()];
}

async function objectKeys(sourceUuid: string): Promise<string[]> {
  const { pool, schema } = pipeline.database;
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ object_key: string }>(
      'select object_key from ocp_piece where source_uuid = $1 order by 1',
      [sourceUuid],
    ),
  );
  return rows.map((row) => row.object_key);
}

test('a manifest that comes again with its files in another order keeps every object', async () => {
  const clusterId = 'order';
  const sourceUuid = await pipeline.addSource(clusterId);
  const first = withManifest(payload, { cluster_id: clusterId, files: fileNames() });
  await pipeline.ingest(await folder.pack(first));
  const tables = await snapshotTables(pipeline.database, sourceUuid);
  const keys = await objectKeys(sourceUuid);

  const names = fileNames().reverse();
  const again = withManifest(payload, { cluster_id: clusterId, files: names });
  const result = await pipeline.ingest(await folder.pack(again, names.slice(0, 1)));
  expect(result).toMatchObject({ outcome: 'completed', fileCount: 1, rowsLoaded: 0, daysSummarised: 0 });
  expect(await objectKeys(sourceUuid)).toEqual(keys);
  expect(new Set(keys).size).toBe(6);
  expectSameTables(await snapshotTables(pipeline.database, sourceUuid), tables);
});

test('a manifest that comes again with a further file at a known place takes it in', async () => {
  const clusterId = 'further';
  const sourceUuid = await pipeline.addSource(clusterId);
  const [last = '', ...others] = fileNames().reverse();
  const uuid = 'f2b1c7de-8a54-4c0e-9d0b-0a5c4f2e7a11';
  const first = withManifest(payload, { cluster_id: clusterId, uuid, files: others });
  await pipeline.ingest(await folder.pack(first, others));
  const again = withManifest(payload, { cluster_id: clusterId, uuid, files: [last, ...others] });
  expect(await pipeline.ingest(await folder.pack(again, [last]))).toMatchObject({
    outcome: 'completed',
    fileCount: 1,
  });
  expect(new Set(await objectKeys(sourceUuid)).size).toBe(6);
});
