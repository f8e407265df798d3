import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { makeCertificates } from '../workers/tls-proxy.ts';
import type { TrinoOptions } from './trino-server.ts';

/** A server that takes passwords over HTTPS, besides what it takes over HTTP. */
export interface Secured {
  options: TrinoOptions;
  /** settings of a program that uses it so */
  environment: Record<string, string>;
}

const user = 'pipeline';

/** Trino's own format of a password file: iterations, salt and hash, in hexadecimal digits. */
function hashed(password: string): string {
  const salt = randomBytes(16);
  const iterations = 1_000;
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha1');
  return `${iterations}:${salt.toString('hex')}:${hash.toString('hex')}`;
}

/** Make a certificate of an authority that only this test knows, and a password. */
export async function securedTrino(): Promise<Secured> {
  const { directory, ca, server } = await makeCertificates();
  const password = randomBytes(12).toString('hex');
  const keystore = join(directory, 'trino.pem');
  const passwords = join(directory, 'passwords');
  const authenticator = join(directory, 'authenticator.properties');
  await writeFile(
    keystore,
    (await readFile(server.key, 'utf8')) + (await readFile(server.certificate, 'utf8')),
  );
  await writeFile(passwords, `${user}:${hashed(password)}\n`);
  await writeFile(authenticator, `password-authenticator.name=file\nfile.password-file=${passwords}\n`);
  const port = await startOnFreePorts([0], ([free = 0]) => Promise.resolve(free));
  return {
    options: {
      config: {
        'http-server.https.enabled': 'true',
        'http-server.https.port': String(port),
        'http-server.https.keystore.path': keystore,
        'http-server.authentication.type': 'PASSWORD',
        'http-server.authentication.allow-insecure-over-http': 'true',
        'password-authenticator.config-files': authenticator,
        'internal-communication.shared-secret': randomBytes(16).toString('hex'),
      },
    },
    environment: {
      TRINO_URL: `https://127.0.0.1:${port}`,
      TRINO_USER: user,
      TRINO_PASSWORD: password,
      NODE_EXTRA_CA_CERTS: ca,
    },
  };
}
