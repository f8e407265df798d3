import { beforeAll, expect, test } from 'vitest';
import { packMembers } from '../../support/archives.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { podPayload } from './ingress.ts';
import { createListening } from './listening.ts';
import type { Listening } from './listening.ts';

let listening: Listening;
const expected: Record<string, string[]> = {};
/** hours of usage that were announced, by cluster */
const hoursSent: Record<string, number> = { east: 0, west: 0 };

// Half of the messages, then the listener is killed in the middle of them; the other half, and the broker is killed.
beforeAll(async () => {
  listening = await createListening();
  const { pipeline, ingress, kafka, startListener, answers } = listening;
  const { orgId, pool } = pipeline.database;
  for (const cluster of Object.keys(hoursSent)) await pipeline.addSource(cluster);
  const announce = async (requestId: string, url: string, validation: string, more: object = {}) => {
    expected[requestId] = [validation];
    await ingress.announce({ request_id: requestId, org_id: orgId, account: null, url, ...more });
  };
  /** A payload of a cluster; each has twice the hours of the one before, so that sums tell which are missing. */
  const good = async (cluster: string, number: number) => {
    const hours = 2 ** number;
    hoursSent[cluster] = Math.max(hoursSent[cluster] ?? 0, hours);
    const requestId = `${cluster}-${number}`;
    const url = await ingress.store(requestId, await podPayload(cluster, hours));
    await announce(requestId, url, 'success');
    return { requestId, url };
  };

  const first = await startListener();
  const { requestId, url } = await good('east', 0);
  await good('west', 0);
  await announce(requestId, url, 'success');
  await ingress.announce({ request_id: 'of-others', org_id: orgId, url }, 'advisor');
  await ingress.announce('not JSON');
  await announce('without-org', url, 'failure', { org_id: undefined });
  await announce('local-file', 'file:///etc/passwd', 'failure');
  await waitUntil(async () => {
    const { rowCount } = await pool.query('select from public.payload_inbox');
    return (rowCount ?? 0) >= 2;
  });
  await first.kill();

  await good('east', 1);
  await announce('unknown-cluster', await ingress.store('unknown', await podPayload('nobody', 1)), 'success');
  await announce('gone', await ingress.missing(), 'failure');
  await announce(
    'no-manifest',
    await ingress.store('no-manifest', await packMembers([{ name: 'a.csv', content: 'a\n' }])),
    'failure',
  );
  await startListener();
  await waitUntil(async () => 'east-1' in (await answers()));
  await kafka.kill();
  await kafka.start();
  await good('west', 1);
  await good('east', 2);
  let answered: Record<string, string[]> = {};
  await waitUntil(async () => {
    answered = await answers();
    return Object.keys(expected).every((id) => id in answered);
  });
  // Answers are given once everything is loaded; sums are there when the runs have ended.
  for (const cluster of ['east-0', 'east-1', 'east-2', 'west-0', 'west-1'])
    await pipeline.client.workflow.getHandle(`manifest:${orgId}:${cluster}`).result();
});

test('every message is answered once, as DOMAIN §2 says; messages of others and without a request id are not', async () => {
  expect(await listening.answers()).toEqual(expected);
});

test('every payload is ingested exactly once', async () => {
  const { schema, pool } = listening.pipeline.database;
  // Of each cluster the payload with the most hours replaces the others; one pod that uses 1 core: hours = core-hours.
  const { rows } = await pool.query<{ cluster_id: string; hours: number }>(
    `select cluster_id, sum(pod_usage_cpu_core_hours)::float8 as hours
     from ${schema}.reporting_ocpusagelineitem_daily_summary
     where namespace = 'shop'
     group by 1`,
  );
  expect(Object.fromEntries(rows.map((row) => [row.cluster_id, row.hours]))).toEqual(hoursSent);
  const { rows: manifests } = await pool.query(
    `select manifest_uuid from ${schema}.ocp_manifest group by 1 having count(*) > 1`,
  );
  expect(manifests).toEqual([]);
  const inbox = await pool.query<{ id: string }>(
    'select request_id as id from public.payload_inbox order by 1',
  );
  expect(inbox.rows.map(({ id }) => id)).toEqual(
    ['east-0', 'east-1', 'east-2', 'gone', 'no-manifest', 'unknown-cluster', 'west-0', 'west-1'].sort(),
  );
});

test('no presigned address is kept, and none is in a history', async () => {
  const { pool } = listening.pipeline.database;
  await waitUntil(async () => {
    const { rowCount } = await pool.query('select from public.payload_inbox where download_url is not null');
    return rowCount === 0;
  });
  const history = await listening.pipeline.client.workflow
    .getHandle(`manifest:${listening.pipeline.database.orgId}:east-0`)
    .fetchHistory();
  expect(JSON.stringify(history)).not.toContain('X-Amz-Signature');
});
