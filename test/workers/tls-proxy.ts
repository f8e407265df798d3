import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { atEnd } from '../support/at-end.ts';

const run = promisify(execFile);

/** Paths of the PEM files of a test's own certificate authority. */
export interface Certificates {
  directory: string;
  ca: string;
  /** for `localhost` and 127.0.0.1 */
  server: { certificate: string; key: string };
  client: { certificate: string; key: string };
  /** signed by an authority that nobody trusts */
  stranger: { certificate: string; key: string };
}

/** Make them with openssl; they go with the file's tests. */
export async function makeCertificates(): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-tls-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory });
  const keyAlgorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = (name: string) =>
    openssl(
      'req',
      '-x509',
      ...keyAlgorithm,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '3650',
      '-subj',
      `/CN=${name}`,
    );
  await writeFile(join(directory, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const issue = async (name: string, by: string) => {
    await openssl(
      'req',
      ...keyAlgorithm,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    );
    await openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${by}.pem`,
      '-CAkey',
      `${by}.key`,
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '3650',
      '-extfile',
      'names',
    );
    return { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
  };
  await authority('ca');
  await authority('other-ca');
  return {
    directory,
    ca: join(directory, 'ca.pem'),
    server: await issue('server', 'ca'),
    client: await issue('client', 'ca'),
    stranger: await issue('stranger', 'other-ca'),
  };
}

/**
 * Stand in front of a server without TLS: only who shows a certificate of our authority gets through.
 * @returns its `host:port`; it ends with the file's tests
 */
export async function startTlsProxy(target: string, certificates: Certificates): Promise<string> {
  const [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  const server = createServer(
    {
      cert: readFileSync(certificates.server.certificate),
      key: readFileSync(certificates.server.key),
      ca: readFileSync(certificates.ca),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
    },
    (secure) => {
      const plain = connect({ host, port: Number(port) });
      for (const socket of [secure, plain]) {
        sockets.add(socket);
        socket.on('error', () => socket.destroy());
      }
      secure.pipe(plain).pipe(secure);
      secure.on('close', () => plain.destroy());
      plain.on('close', () => secure.destroy());
    },
  );
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `localhost:${(server.address() as AddressInfo).port}`;
}
