import { readFileSync } from 'node:fs';
import type { Consumer, Message } from '@platformatic/kafka';
import { PipelineError } from '../../domain/failures/failures.ts';
import type { Config } from '../config/config.ts';
import { kafkaSecurity } from '../config/kafka-settings.ts';

/** The settings that lead to the brokers. */
export type KafkaConfig = Pick<Config, Extract<keyof Config, `KAFKA_${string}`>>;

/** A message as it was read. */
export interface KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** values as Latin-1 text */
  readonly headers: ReadonlyMap<string, string>;
  /** undefined for a message without a body */
  readonly value: Buffer | undefined;
  /** Record that everything of its partition up to and including it is done. */
  commit(): Promise<void>;
}

/** A member of a consumer group. */
export interface KafkaConsumer {
  /** messages in the order of each partition; throws when the connection is lost, ends when closed */
  readonly messages: AsyncIterable<KafkaMessage>;
  /** whether the message's partition still belongs to this member */
  owns(message: Pick<KafkaMessage, 'topic' | 'partition'>): boolean;
  /** Leave the group, so that others take over at once. */
  close(): Promise<void>;
}

/** Writes messages. */
export interface KafkaProducer {
  /**
   * Write one message; every in-sync replica has it when this returns.
   *
   * @returns `no such topic` if the brokers do not have it: nothing was written
   * @throws an error of the client if the brokers cannot be reached or refuse
   */
  send(topic: string, key: string, value: object): Promise<'sent' | 'no such topic'>;
  close(): Promise<void>;
}

/** Loaded only by processes that use Kafka. */
const library = () => import('@platformatic/kafka');

/**
 * Connection options of the client.
 *
 * @throws PipelineError `ConfigInvalid` if no brokers are configured or a PEM file cannot be read
 */
function connectionOptions(config: KafkaConfig) {
  if (config.KAFKA_BROKERS === undefined)
    throw new PipelineError('ConfigInvalid', 'KAFKA_BROKERS: not set; expected host:port of a Kafka broker');
  const security = kafkaSecurity(config);
  const pem = (name: 'KAFKA_SSL_CA_LOCATION' | 'KAFKA_SSL_CERTIFICATE_LOCATION' | 'KAFKA_SSL_KEY_LOCATION') =>
    readPem(name, config[name]);
  return {
    clientId: 'ocp-pipeline',
    bootstrapBrokers: config.KAFKA_BROKERS,
    ...(security.endsWith('SSL') && {
      tls: {
        ...pem('KAFKA_SSL_CA_LOCATION').as('ca'),
        ...pem('KAFKA_SSL_CERTIFICATE_LOCATION').as('cert'),
        ...pem('KAFKA_SSL_KEY_LOCATION').as('key'),
      },
      tlsServerName: true,
    }),
    ...(security.startsWith('SASL') && {
      sasl: {
        mechanism: config.KAFKA_SASL_MECHANISM ?? 'PLAIN',
        username: config.KAFKA_SASL_USERNAME ?? '',
        password: config.KAFKA_SASL_PASSWORD ?? '',
      },
    }),
  };
}

function readPem(name: string, path: string | undefined) {
  if (path === undefined) return { as: () => ({}) };
  try {
    const text = readFileSync(path, 'utf8');
    return { as: (option: string) => ({ [option]: text }) };
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException;
    throw new PipelineError(
      'ConfigInvalid',
      `${name}: ${path} cannot be read (${code}); expected a PEM file`,
      {
        cause,
      },
    );
  }
}

/**
 * Join the group of the configuration and read its topic, from where the group has committed. Nothing is committed
 * unless {@link KafkaMessage.commit} is called.
 *
 * @throws PipelineError `ConfigInvalid` if the settings cannot be used
 * @throws an error of the client if no broker answers, the topic does not exist, or the log-in is refused
 */
export async function openConsumer(config: KafkaConfig): Promise<KafkaConsumer> {
  const { Consumer } = await library();
  const consumer = new Consumer({
    ...connectionOptions(config),
    groupId: config.KAFKA_GROUP,
    autocommit: false,
    sessionTimeout: config.KAFKA_SESSION_TIMEOUT,
    heartbeatInterval: Math.max(100, Math.min(3_000, Math.floor(config.KAFKA_SESSION_TIMEOUT / 6))),
    // Members that die while the group rebalances are waited for this long.
    rebalanceTimeout: config.KAFKA_SESSION_TIMEOUT,
    maxWaitTime: 1_000,
    highWaterMark: maxBuffered,
  });
  // What fails in the background also fails the stream or the next commit; without a listener it would end the process.
  consumer.on('error', () => undefined);
  try {
    const stream = await consumer.consume({
      topics: [config.KAFKA_TOPIC],
      mode: 'committed',
      fallbackMode: config.KAFKA_START,
      onCorruptedMessage: () => false,
    });
    return {
      messages: read(stream),
      owns: ({ topic, partition }) => isAssigned(consumer, topic, partition),
      close: async () => {
        stream.destroy();
        await close(consumer);
      },
    };
  } catch (error) {
    await close(consumer).catch(() => undefined);
    throw error;
  }
}

/** Leave the group, whether or not its streams have ended. */
function close(consumer: Consumer): Promise<void> {
  return new Promise((resolve, reject) => {
    consumer.close(true, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
}

/** Messages read ahead: addresses of payloads, about 2 KB each. */
const maxBuffered = 100;

async function* read(stream: AsyncIterable<Message>): AsyncGenerator<KafkaMessage> {
  for await (const { topic, partition, offset, headers, value, ...message } of stream)
    yield {
      topic,
      partition,
      offset,
      headers: new Map([...headers].map(([name, content]) => [text(name), text(content)])),
      value,
      commit: async () => {
        await message.commit();
      },
    };
}

function text(bytes: Buffer | null | undefined): string {
  return bytes?.toString('latin1') ?? '';
}

function isAssigned(
  { assignments }: Pick<Consumer, 'assignments'>,
  topic: string,
  partition: number,
): boolean {
  return (assignments ?? []).some((own) => own.topic === topic && own.partitions.includes(partition));
}

/**
 * Open a producer. Nothing is contacted before the first message.
 *
 * @throws PipelineError `ConfigInvalid` if the settings cannot be used
 */
export async function openProducer(config: KafkaConfig): Promise<KafkaProducer> {
  const { Producer } = await library();
  const producer = new Producer({ ...connectionOptions(config), retries: 1, retryDelay: 200, acks: -1 });
  producer.on('error', () => undefined);
  return {
    send: async (topic, key, value) => {
      try {
        await producer.send({
          messages: [{ topic, key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)) }],
        });
        return 'sent';
      } catch (error) {
        if (isTopicMissing(error)) return 'no such topic';
        throw error;
      }
    },
    close: () => producer.close(),
  };
}

/** The client asks for the topic's partitions first; the brokers answer in their own words when it goes just then. */
function isTopicMissing(error: unknown): boolean {
  const { code, message, findBy } = error as Error & {
    code?: string;
    findBy?: (property: string, value: string) => unknown;
  };
  return (
    (code === 'PLT_KFK_USER' && message.startsWith('Unknown topic')) ||
    findBy?.call(error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') != null
  );
}
