import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';

let pipeline: TestPipeline;
let address: string;
/** Answers `/text` with no archive, and everything else with a download that never ends. */
const server = createServer((request, response) => {
  if (request.url?.startsWith('/text') === true) response.end('this is not an archive');
  else response.write(Buffer.from([0x1f, 0x8b]));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  pipeline = await createTestPipeline();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function storedAddress(requestId: string): Promise<string | null | undefined> {
  const { rows } = await pipeline.database.pool.query<{ download_url: string | null }>(
    'select download_url from public.payload_inbox where request_id = $1',
    [requestId],
  );
  return rows[0]?.download_url;
}

/** Start a run whose download goes on for as long as it is let. */
async function startEndless(requestId: string) {
  const run = await pipeline.start({ payload: `${address}/${requestId}?X-Amz-Signature=secret`, requestId });
  await waitUntil(async () => {
    const { raw } = await run.handle.describe();
    return (raw.pendingActivities ?? []).some(({ lastStartedTime }) => lastStartedTime != null);
  });
  expect(await storedAddress(requestId)).toContain('secret');
  return run;
}

test('the address of a refused payload is erased', async () => {
  const run = await pipeline.start({
    payload: `${address}/text?X-Amz-Signature=secret`,
    requestId: 'refused',
  });
  await expect(run.handle.result()).rejects.toThrow();
  expect(await storedAddress('refused')).toBeNull();
});

test('the address of a cancelled run is erased', async () => {
  const { handle } = await startEndless('cancelled');
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();
  expect(await storedAddress('cancelled')).toBeNull();
});

test('the sweep erases addresses of runs that ended without notice, and no others', async () => {
  const terminated = await startEndless('terminated');
  const running = await startEndless('running');
  await terminated.handle.terminate();
  const { pool, orgId } = pipeline.database;
  await pool.query(
    `insert into public.payload_inbox (org_id, request_id, source_kind, download_url)
     values ($1, 'forgotten', 'url', 'https://host/?secret'), ($1, 'starting', 'url', 'https://host/?secret')`,
    [orgId],
  );
  await pool.query(
    `update public.payload_inbox set addressed_at = now() - interval '1 hour' where request_id <> 'starting'`,
  );
  await pipeline.client.workflow.execute('sweepStaging', {
    workflowId: 'sweep',
    taskQueue: taskQueues.pipeline,
    args: [{}],
  });
  expect(await storedAddress('terminated')).toBeNull();
  expect(await storedAddress('forgotten')).toBeNull();
  expect(await storedAddress('running')).toContain('secret');
  expect(await storedAddress('starting')).toContain('secret');
  await running.handle.terminate();
});
