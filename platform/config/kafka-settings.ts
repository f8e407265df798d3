import { z } from 'zod';
import { durationMs, secretSetting, setting } from './setting.ts';

const topic = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,249}$/, 'expected 1 to 249 letters, digits, dots, hyphens or underscores');

const brokers = z
  .string()
  .regex(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$/, 'expected host:port, several separated by commas')
  .transform((text) => text.split(','));

/** Settings of the Kafka intake and of what else belongs to an existing Koku. */
export const kafkaSettings = {
  KAFKA_BROKERS: setting(
    brokers.optional(),
    'Kafka, `host:port,host:port`: `listen` reads announcements there, workers answer them. Unset: workers send ' +
      'nothing, `listen` does not start',
  ),
  KAFKA_GROUP: setting(topic, 'consumer group of `listen`', 'ocp-pipeline'),
  KAFKA_TOPIC: setting(topic, 'topic of announced payloads', 'platform.upload.announce'),
  KAFKA_ANSWER_TOPIC: setting(topic, 'topic for the answers to announcements', 'platform.upload.validation'),
  ROS_BUCKET: setting(
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket')
      .optional(),
    'bucket for resource-optimisation files, on the same S3 server as the others: those in a payload are forwarded to ' +
      'it, and announced. Unset: they are left out',
  ),
  KAFKA_ROS_TOPIC: setting(topic, 'topic that announces resource-optimisation files', 'hccm.ros.events'),
  KAFKA_START: setting(
    z.enum(['earliest', 'latest']),
    'where a group without committed offsets starts: `earliest` or `latest`',
    'earliest',
  ),
  KAFKA_SESSION_TIMEOUT: setting(
    durationMs,
    'after how long without a heartbeat the partitions of a `listen` go to another one',
    '30s',
  ),
  KAFKA_SECURITY_PROTOCOL: setting(
    z.enum(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']).optional(),
    '`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`. Unset: `SASL_SSL` if `KAFKA_SASL_MECHANISM` is set, else ' +
      '`PLAINTEXT`',
  ),
  KAFKA_SASL_MECHANISM: setting(
    z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).optional(),
    '`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`. Unset: no log-in',
  ),
  KAFKA_SASL_USERNAME: setting(z.string().optional(), 'user of the Kafka log-in'),
  KAFKA_SASL_PASSWORD: secretSetting(z.string().optional(), 'password of the Kafka log-in; never displayed'),
  KAFKA_SSL_CA_LOCATION: setting(
    z.string().optional(),
    "PEM file of the authorities that sign the brokers' certificates. Unset: those that Node.js trusts",
  ),
  KAFKA_SSL_CERTIFICATE_LOCATION: setting(
    z.string().optional(),
    'PEM file of a client certificate for the brokers, if they ask for one',
  ),
  KAFKA_SSL_KEY_LOCATION: setting(z.string().optional(), 'PEM file of its private key'),
};

interface SecurityOf {
  KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL' | undefined;
  KAFKA_SASL_MECHANISM: string | undefined;
  KAFKA_SASL_USERNAME: string | undefined;
  KAFKA_SASL_PASSWORD: string | undefined;
}

/** The security protocol, given or derived. */
export function kafkaSecurity(config: SecurityOf): NonNullable<SecurityOf['KAFKA_SECURITY_PROTOCOL']> {
  return (
    config.KAFKA_SECURITY_PROTOCOL ?? (config.KAFKA_SASL_MECHANISM === undefined ? 'PLAINTEXT' : 'SASL_SSL')
  );
}

/** What is wrong with the combination of the settings, one sentence each. */
export function kafkaProblems(config: SecurityOf): string[] {
  if (!kafkaSecurity(config).startsWith('SASL')) return [];
  const lacking = (['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const).filter(
    (name) => config[name] === undefined,
  );
  return lacking.map((name) => `${name}: expected a value, because Kafka asks for a log-in; found none`);
}
