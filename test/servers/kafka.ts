import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Admin, Consumer, Producer } from '@platformatic/kafka';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { atEnd } from '../support/at-end.ts';
import type { Certificates } from '../workers/tls-proxy.ts';
import { securedListeners } from './kafka-security.ts';
import type { SecuredListeners } from './kafka-security.ts';
import { cacheDirectory, controlServer } from './server-control.ts';
import type { ServerControl } from './server-control.ts';

const version = '4.1.2';
const clusterId = 'b2NwLXBpcGVsaW5lLXRlc3';

/** A running broker. */
export interface KafkaServer extends ServerControl {
  /** `127.0.0.1:port`; stays the same after `stop` and `start` */
  readonly address: string;
  /** where it answers by each other security protocol, if it was given certificates */
  readonly secured: SecuredListeners['addresses'];
  createTopic: (name: string, partitions: number) => Promise<void>;
  /** Write a message. */
  send: (
    topic: string,
    message: { key: string; value: string; headers?: Record<string, string> },
  ) => Promise<void>;
  /** Everything in a topic now, as text. */
  read: (topic: string) => Promise<string[]>;
  /** The partitions that each member of a group has. */
  members: (group: string) => Promise<number[][]>;
}

/** A broker that is cheap: one process, a small heap, no optimising compiler, small internal topics. */
const settings = (directory: string, port: number, controllerPort: number, secured: SecuredListeners) => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=${[`PLAINTEXT://127.0.0.1:${port}`, ...secured.listeners].join(',')},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=${[`PLAINTEXT://127.0.0.1:${port}`, ...secured.listeners].join(',')}
${secured.settings}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=${join(directory, 'data')}
num.network.threads=1
num.io.threads=2
background.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.enable=false
`;

const jvmOptions = ['-Xms64m', '-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

/**
 * Start a broker in KRaft mode on a free loopback port, and wait until it answers; it ends with the file's tests.
 *
 * @param directory of its own, created when absent
 * @param certificates it answers over TLS too, and asks for log-ins, at {@link KafkaServer.secured}
 * @throws Error that says how to get Kafka when it is not installed
 */
export async function startKafka(directory: string, certificates?: Certificates): Promise<KafkaServer> {
  const jars = join(cacheDirectory(), `kafka-${version}`);
  await readdir(jars).catch((cause: unknown) => {
    throw new Error(
      `${jars} not found; run test/servers/install.sh, which installs the servers of these tests`,
      {
        cause,
      },
    );
  });
  await mkdir(directory, { recursive: true });
  const java = (...args: string[]) => [...jvmOptions, '-cp', join(jars, '*'), ...args];
  const file = join(directory, 'server.properties');
  return startOnFreePorts([0, 0, 0, 0, 0], async ([port = 0, controllerPort = 0, ...ports]) => {
    const secured = await securedListeners(directory, ports, certificates);
    await writeFile(file, settings(directory, port, controllerPort, secured));
    const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file, '--ignore-formatted'];
    await promisify(execFile)('java', java(...format, ...secured.formatOptions));
    const address = `127.0.0.1:${port}`;
    const control = controlServer(
      {
        name: 'Kafka',
        command: 'java',
        args: java('kafka.Kafka', file),
        workingDirectory: directory,
        environment: process.env,
        logFile: join(directory, 'kafka.log'),
      },
      () => isUp(address).catch(() => false),
      'SIGTERM',
    );
    await control.start();
    atEnd(() => control.kill());
    return { address, secured: secured.addresses, ...control, ...clients(address) };
  });
}

/** Listening is not enough: it answers once it has registered itself. */
async function isUp(address: string): Promise<boolean> {
  if (!(await accepts(address))) return false;
  const admin = new Admin({ ...client(address), retries: 0 });
  try {
    return (await admin.listTopics()).length >= 0;
  } finally {
    await admin.close();
  }
}

function accepts(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** A broker that has just come back needs a moment to lead its partitions again. */
const client = (address: string) => ({
  clientId: 'test',
  bootstrapBrokers: [address],
  retries: 20,
  retryDelay: 200,
});

async function withAdmin<T>(address: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin(client(address));
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

function clients(address: string): Omit<KafkaServer, keyof ServerControl | 'address' | 'secured'> {
  return {
    createTopic: (name, partitions) =>
      withAdmin(address, async (admin) => {
        await admin.createTopics({ topics: [name], partitions, replicas: 1 });
      }),
    send: async (topic, { key, value, headers = {} }) => {
      const producer = new Producer(client(address));
      const bytes = Object.entries(headers).map(
        ([name, text]) => [Buffer.from(name), Buffer.from(text)] as const,
      );
      try {
        await producer.send({
          messages: [{ topic, key: Buffer.from(key), value: Buffer.from(value), headers: new Map(bytes) }],
          acks: -1,
        });
      } finally {
        await producer.close();
      }
    },
    read: (topic) => readAll(address, topic),
    members: (group) =>
      withAdmin(address, async (admin) => {
        const described = await admin.describeGroups({ groups: [group] });
        return [...(described.get(group)?.members.values() ?? [])].map(({ assignments }) =>
          [...(assignments?.values() ?? [])].flatMap(({ partitions }) => partitions).sort(),
        );
      }),
  };
}

async function readAll(address: string, topic: string): Promise<string[]> {
  const consumer = new Consumer({ ...client(address), groupId: `test-${topic}` });
  try {
    const offsets = await consumer.listOffsets({ topics: [topic] });
    const total = (offsets.get(topic) ?? []).reduce((sum, end) => sum + Number(end), 0);
    if (total === 0) return [];
    const stream = await consumer.consume({
      topics: [topic],
      mode: 'earliest',
      autocommit: false,
      maxWaitTime: 100,
    });
    const found: string[] = [];
    for await (const { value } of stream) {
      found.push(value.toString());
      if (found.length >= total) break;
    }
    return found;
  } finally {
    await new Promise((resolve) => {
      consumer.close(true, resolve);
    });
  }
}
