import { randomBytes } from 'node:crypto';
import { beforeAll, expect, inject, test } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { startTcpProxy } from '../../faults/support/tcp-proxy.ts';
import { answerTopic, podPayload } from './ingress.ts';
import { createListening } from './listening.ts';
import type { Listening } from './listening.ts';

let listening: Listening;
let url = '';

beforeAll(async () => {
  listening = await createListening({}, { withAnswerTopic: false });
  await listening.pipeline.addSource('east');
  url = await listening.ingress.store('payload', await podPayload('east', 1));
});

function announce(requestId: string): Promise<void> {
  const { orgId } = listening.pipeline.database;
  return listening.ingress.announce({ request_id: requestId, org_id: orgId, url });
}

async function state(requestId: string) {
  const { rows } = await listening.pipeline.database.pool.query<{
    inInbox: boolean;
    closed: boolean;
    answered: boolean;
  }>(
    `select announced.closed_at is not null as closed, announced.answered_at is not null as answered,
         inbox.id is not null as "inInbox"
     from public.payload_announcement as announced
     left join public.payload_inbox as inbox using (org_id, request_id)
     where announced.request_id = $1`,
    [requestId],
  );
  return rows[0];
}

test('without an answer topic payloads are ingested, and the missing topic is a warning', async () => {
  const { pipeline, ingress, startListener } = listening;
  const listener = await startListener();
  await announce('nobody-asks');
  await waitUntil(async () => (await state('nobody-asks'))?.closed === true);
  expect(await state('nobody-asks')).toEqual({ inInbox: true, closed: true, answered: false });
  const { orgId } = pipeline.database;
  const result: unknown = await pipeline.client.workflow.getHandle(`manifest:${orgId}:nobody-asks`).result();
  expect(result).toMatchObject({ outcome: 'completed', rowCount: 1 });

  await ingress.announce({ request_id: 'poison' });
  await listener.hasSaid('Kafka has no such topic');
  listener.signal('SIGTERM');
  expect(await listener.ended).toBe(0);
});

test('while Temporal is away messages stay in their topic, and are taken when it is back', async () => {
  const { kafka, startListener, answers } = listening;
  await kafka.createTopic(answerTopic, 1);
  const [host = '', port = ''] = inject('temporalAddress').split(':');
  const way = await startTcpProxy({ host, port: Number(port) });
  const listener = await startListener({ TEMPORAL_ADDRESS: `127.0.0.1:${way.port}` });
  way.block();
  await Promise.all([announce('held-1'), announce('held-2'), announce('held-3')]);
  await listener.hasSaid('later ones wait');
  // Only the first of them is in the inbox: the others are not read before it has been started.
  expect((await Promise.all(['held-1', 'held-2', 'held-3'].map(state))).filter(Boolean)).toHaveLength(1);
  way.reset();
  await waitUntil(async () => {
    const answered = await answers();
    return ['held-1', 'held-2', 'held-3'].every((id) => id in answered);
  });
  listener.signal('SIGTERM');
  expect(await listener.ended).toBe(0);
});

test('while PostgreSQL refuses the listener messages stay in their topic, and are taken when it lets it in', async () => {
  const { pipeline, startListener, answers } = listening;
  const { pool, url: databaseUrl } = pipeline.database;
  const role = `listener_${randomBytes(6).toString('hex')}`;
  await pool.query(`create role ${role} superuser login password 'x'`);
  atEnd(() => pool.query(`drop role ${role}`));
  const asRole = new URL(databaseUrl);
  asRole.username = role;
  asRole.password = 'x';
  const listener = await startListener({ DATABASE_URL: asRole.href });
  await pool.query(`alter role ${role} nologin`);
  await pool.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
  await Promise.all([announce('kept-1'), announce('kept-2'), announce('kept-3')]);
  await listener.hasSaid('later ones wait');
  expect((await Promise.all(['kept-1', 'kept-2', 'kept-3'].map(state))).filter(Boolean)).toEqual([]);
  await pool.query(`alter role ${role} login`);
  await waitUntil(async () => {
    const answered = await answers();
    return ['kept-1', 'kept-2', 'kept-3'].every((id) => id in answered);
  });
  const answered = await answers();
  for (const id of ['kept-1', 'kept-2', 'kept-3']) expect(answered[id]).toEqual(['success']);
  listener.signal('SIGTERM');
  expect(await listener.ended).toBe(0);
});

test('two listeners share the partitions; when one is stopped or killed the other takes over, and each message is taken once', async () => {
  const { kafka, startListener, answers } = listening;
  const group = 'ocp-pipeline';
  const one = await startListener();
  const two = await startListener();
  const shares = async () => (await kafka.members(group)).map((partitions) => partitions.length).sort();
  await waitUntil(async () => (await shares()).join() === '1,2');
  const sent = Array.from({ length: 12 }, (_, number) => `shared-${number}`);
  await Promise.all(sent.slice(0, 6).map(announce));
  one.signal('SIGTERM');
  expect(await one.ended).toBe(0);
  // It has left the group: nobody has to wait until it is missed.
  expect(await kafka.members(group)).toHaveLength(1);
  await startListener();
  await waitUntil(async () => (await shares()).join() === '1,2');
  await Promise.all(sent.slice(6).map(announce));
  await two.kill();
  await waitUntil(async () => (await shares()).join() === '3');
  await waitUntil(async () => {
    const answered = await answers();
    return sent.every((id) => id in answered);
  });
  const answered = await answers();
  for (const id of sent) expect(answered[id]).toEqual(['success']);
});
