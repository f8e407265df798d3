import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { loadConfig } from '../../../platform/config/config.ts';
import { openConsumer, openProducer } from '../../../platform/kafka/client.ts';
import { atEnd } from '../../support/at-end.ts';
import { createTestDatabase } from '../../support/database.ts';
import { createNamespace } from '../../support/pipeline.ts';
import { startCommand } from '../../support/program-process.ts';
import { makeCertificates } from '../../workers/tls-proxy.ts';
import type { Certificates } from '../../workers/tls-proxy.ts';
import { startKafka } from '../kafka.ts';
import type { KafkaServer } from '../kafka.ts';
import { kafkaUser } from '../kafka-security.ts';

let kafka: KafkaServer;
let certificates: Certificates;

beforeAll(async () => {
  certificates = await makeCertificates();
  const directory = await mkdtemp(join(tmpdir(), 'ocp-secured-kafka-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  kafka = await startKafka(directory, certificates);
});

type Protocol = keyof KafkaServer['secured'];

/** Settings that let in. */
function settings(protocol: Protocol, mechanism?: string): Record<string, string> {
  return {
    KAFKA_BROKERS: kafka.secured[protocol] ?? '',
    KAFKA_SECURITY_PROTOCOL: protocol,
    ...(mechanism !== undefined && {
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: kafkaUser.name,
      KAFKA_SASL_PASSWORD: kafkaUser.password,
    }),
    ...(protocol !== 'SASL_PLAINTEXT' && { KAFKA_SSL_CA_LOCATION: certificates.ca }),
    ...(protocol === 'SSL' && {
      KAFKA_SSL_CERTIFICATE_LOCATION: certificates.client.certificate,
      KAFKA_SSL_KEY_LOCATION: certificates.client.key,
    }),
  };
}

/** Write a message and read it again, as the program does. @returns what was read */
async function roundTrip(environment: Record<string, string>): Promise<string | undefined> {
  const topic = randomUUID();
  await kafka.createTopic(topic, 1);
  const config = loadConfig({ ...environment, KAFKA_TOPIC: topic, KAFKA_GROUP: topic });
  const producer = await openProducer(config);
  try {
    expect(await producer.send(topic, 'key', { said: topic })).toBe('sent');
  } finally {
    await producer.close();
  }
  const consumer = await openConsumer(config);
  try {
    for await (const { value } of consumer.messages)
      return (JSON.parse(value?.toString() ?? '') as { said?: string }).said === topic
        ? 'the message'
        : 'another';
    return undefined;
  } finally {
    await consumer.close();
  }
}

test.each<[Protocol, string | undefined]>([
  ['SSL', undefined],
  ['SASL_PLAINTEXT', 'PLAIN'],
  ['SASL_PLAINTEXT', 'SCRAM-SHA-256'],
  ['SASL_PLAINTEXT', 'SCRAM-SHA-512'],
  ['SASL_SSL', 'PLAIN'],
  ['SASL_SSL', 'SCRAM-SHA-512'],
])('messages pass a broker with %s and %s', async (protocol, mechanism) => {
  expect(await roundTrip(settings(protocol, mechanism))).toBe('the message');
});

test('a mechanism alone means TLS', async () => {
  const given = { ...settings('SASL_SSL', 'SCRAM-SHA-256'), KAFKA_SECURITY_PROTOCOL: '' };
  expect(await roundTrip(given)).toBe('the message');
});

describe('a broker does not let in, and is not believed,', () => {
  test.each<[string, () => Record<string, string>]>([
    ['with a wrong password', () => ({ ...settings('SASL_SSL', 'PLAIN'), KAFKA_SASL_PASSWORD: 'wrong' })],
    [
      'with a wrong password, SCRAM',
      () => ({ ...settings('SASL_PLAINTEXT', 'SCRAM-SHA-512'), KAFKA_SASL_PASSWORD: 'wrong' }),
    ],
    [
      'with a certificate of a foreign authority',
      () => ({
        ...settings('SSL'),
        KAFKA_SSL_CERTIFICATE_LOCATION: certificates.stranger.certificate,
        KAFKA_SSL_KEY_LOCATION: certificates.stranger.key,
      }),
    ],
    [
      'if another authority signed its certificate',
      () => ({ ...settings('SASL_SSL', 'PLAIN'), KAFKA_SSL_CA_LOCATION: certificates.stranger.certificate }),
    ],
  ])('%s', async (_what, environment) => {
    await expect(roundTrip(environment())).rejects.toThrow();
  });
});

test('listen logs in over TLS; with a wrong password it says so, without it, until it is told to end', async () => {
  const [database, { connection, namespace }] = await Promise.all([createTestDatabase(), createNamespace()]);
  atEnd(() => connection.close());
  const topic = randomUUID();
  await kafka.createTopic(topic, 1);
  const start = (more: Record<string, string>) =>
    startCommand(['listen'], {
      DATABASE_URL: database.url,
      OBJECT_STORE: 'file:///tmp/ocp-pipeline-unused',
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: namespace,
      ...settings('SASL_SSL', 'SCRAM-SHA-512'),
      KAFKA_TOPIC: topic,
      KAFKA_SESSION_TIMEOUT: '2s',
      ...more,
    });
  const listener = start({});
  await listener.hasSaid('"listening"');
  await kafka.send(topic, { key: 'a', value: 'not JSON', headers: { service: 'hccm' } });
  await listener.hasSaid('message cannot be processed and is left out');
  listener.signal('SIGTERM');
  expect(await listener.ended).toBe(0);

  const refused = start({ KAFKA_SASL_PASSWORD: 'not-the-password' });
  await refused.hasSaid('listening was interrupted');
  await refused.hasSaid('uthentication');
  refused.signal('SIGTERM');
  expect(await refused.ended).toBe(0);
  for (const output of [listener.output(), refused.output()])
    for (const secret of [kafkaUser.password, 'not-the-password']) expect(output).not.toContain(secret);
});
