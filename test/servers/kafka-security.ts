import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificates } from '../workers/tls-proxy.ts';

/** Who may log in, by every mechanism. */
export const kafkaUser = { name: 'listener', password: 'a-password-of-the-tests' };

/** Further listeners of a broker. */
export interface SecuredListeners {
  /** as in the setting `listeners` */
  listeners: readonly string[];
  /** `127.0.0.1:port` by security protocol; empty without certificates */
  addresses: Partial<Record<'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL', string>>;
  /** lines of the broker's settings */
  settings: string;
  /** of the tool that formats its storage: SCRAM needs its user there */
  formatOptions: readonly string[];
}

const loginModule = 'org.apache.kafka.common.security';

/**
 * A listener for each security protocol; none without certificates. That of `SSL` wants a client certificate, the
 * others the log-in of {@link kafkaUser}.
 */
export async function securedListeners(
  directory: string,
  ports: readonly number[],
  certificates: Certificates | undefined,
): Promise<SecuredListeners> {
  if (certificates === undefined) return { listeners: [], addresses: {}, settings: '', formatOptions: [] };
  const { ca, server } = certificates;
  const keyStore = join(directory, 'broker.pem');
  await writeFile(
    keyStore,
    (await readFile(server.key, 'utf8')) + (await readFile(server.certificate, 'utf8')),
  );
  const [ssl = 0, saslPlaintext = 0, saslSsl = 0] = ports;
  const addresses = {
    SSL: `127.0.0.1:${ssl}`,
    SASL_PLAINTEXT: `127.0.0.1:${saslPlaintext}`,
    SASL_SSL: `127.0.0.1:${saslSsl}`,
  };
  const { name, password } = kafkaUser;
  const logins = ['sasl_plaintext', 'sasl_ssl'].flatMap((listener) => [
    `listener.name.${listener}.plain.sasl.jaas.config=${loginModule}.plain.PlainLoginModule required user_${name}="${password}";`,
    ...['256', '512'].map(
      (bits) =>
        `listener.name.${listener}.scram-sha-${bits}.sasl.jaas.config=${loginModule}.scram.ScramLoginModule required;`,
    ),
  ]);
  return {
    listeners: Object.entries(addresses).map(([protocol, address]) => `${protocol}://${address}`),
    addresses,
    settings: [
      'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,' +
        'SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
      'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      ...logins,
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${keyStore}`,
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${ca}`,
      'listener.name.ssl.ssl.client.auth=required',
    ].join('\n'),
    formatOptions: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  };
}
