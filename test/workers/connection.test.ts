import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { configuredTemporal, connectClient } from '../../platform/temporal/connection.ts';
import { startWorker } from '../platform/observability/observed-worker.ts';
import { createArchiveFolder } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import { waitUntil } from '../support/wait-until.ts';
import { tinyPayload } from './tiny-payloads.ts';
import { makeCertificates, startTlsProxy } from './tls-proxy.ts';
import type { Certificates } from './tls-proxy.ts';

let certificates: Certificates;
let directory: string;
let proxy: string;

beforeAll(async () => {
  certificates = await makeCertificates();
  proxy = await startTlsProxy(inject('temporalAddress'), certificates);
  directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-toml-'));
  return () => rm(directory, { recursive: true });
});

/** Nothing of this machine's own configuration. */
const alone = (environment: Record<string, string>) => ({ HOME: directory, ...environment });

const mtls = (pair: { certificate: string; key: string }) => ({
  TEMPORAL_ADDRESS: proxy,
  TEMPORAL_TLS_CLIENT_CERT_PATH: pair.certificate,
  TEMPORAL_TLS_CLIENT_KEY_PATH: pair.key,
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificates.ca,
});

test('nothing configured is no server; an address alone is one without TLS', () => {
  expect(configuredTemporal(alone({}))).toBeUndefined();
  expect(configuredTemporal(alone({ TEMPORAL_ADDRESS: 'h:7233', TEMPORAL_API_KEY: '' }))).toMatchObject({
    namespace: 'default',
    connectionOptions: { address: 'h:7233', apiKey: undefined, tls: undefined },
  });
});

test('TEMPORAL_TLS_… become the certificates of the connection', () => {
  const target = configuredTemporal(
    alone({ ...mtls(certificates.client), TEMPORAL_NAMESPACE: 'ns.acct', TEMPORAL_TLS_SERVER_NAME: 'inner' }),
  );
  expect(target).toMatchObject({ namespace: 'ns.acct', connectionOptions: { address: proxy } });
  const bytes = (path: string) => Uint8Array.from(readFileSync(path));
  expect(target?.connectionOptions.tls).toEqual({
    serverNameOverride: 'inner',
    serverRootCACertificate: bytes(certificates.ca),
    clientCertPair: { crt: bytes(certificates.client.certificate), key: bytes(certificates.client.key) },
  });
});

test('an API key turns TLS on and goes to the connection', () => {
  const target = configuredTemporal(
    alone({ TEMPORAL_ADDRESS: 'r.api.temporal.io:7233', TEMPORAL_API_KEY: 'k' }),
  );
  expect(target?.connectionOptions).toMatchObject({ apiKey: 'k', tls: true });
});

test('a profile of the configuration file is used, and variables win over it', async () => {
  const file = join(directory, 'profiles.toml');
  await writeFile(
    file,
    `[profile.prod]\naddress = "prod:7233"\nnamespace = "prod.acct"\napi_key = "from-file"\n[profile.prod.tls]\nserver_ca_cert_path = "${certificates.ca}"\n`,
  );
  const environment = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' };
  expect(configuredTemporal(alone(environment))).toMatchObject({
    namespace: 'prod.acct',
    connectionOptions: {
      address: 'prod:7233',
      apiKey: 'from-file',
      tls: { serverRootCACertificate: Uint8Array.from(readFileSync(certificates.ca)) },
    },
  });
  expect(configuredTemporal(alone({ ...environment, TEMPORAL_API_KEY: 'from-variable' }))).toMatchObject({
    connectionOptions: { address: 'prod:7233', apiKey: 'from-variable' },
  });
  expect(() => configuredTemporal(alone({ ...environment, TEMPORAL_PROFILE: 'absent' }))).toThrow(
    /Profile 'absent' not found/,
  );
});

test.each([
  ['a certificate without its key', { TEMPORAL_TLS_CLIENT_KEY_PATH: '' }, /found one of them/],
  ['an API key without TLS', { TEMPORAL_API_KEY: 'hidden-key', TEMPORAL_TLS: 'false' }, /unencrypted/],
  [
    'a certificate file that is absent',
    { TEMPORAL_TLS_CLIENT_CERT_PATH: '/absent.pem' },
    /\/absent\.pem cannot be read \(ENOENT\)/,
  ],
])('%s is refused before anything connects', (_, wrong, complaint) => {
  const attempt = () => configuredTemporal(alone({ ...mtls(certificates.client), ...wrong }));
  expect(attempt).toThrow(complaint);
  expect(attempt).not.toThrow(/hidden-key/);
});

test.each([
  [
    'is no TOML',
    '[profile.default]\napi_key = "hidden-key\naddress = "h:7233"\n',
    /line 2 is not valid TOML/,
  ],
  ['has no profiles', 'api_key = "hidden-key"\n', /expected tables named/],
])('a configuration file that %s is refused without showing what it holds', async (_, text, complaint) => {
  const file = join(directory, 'broken.toml');
  await writeFile(file, text);
  const attempt = () => configuredTemporal(alone({ TEMPORAL_CONFIG_FILE: file }));
  expect(attempt).toThrow(complaint);
  expect(attempt).not.toThrow(/hidden-key/);
});

test('an API key travels as bearer token over TLS, and is in no message when it is refused', async () => {
  const seen: (string | undefined)[] = [];
  const cloud = createSecureServer({
    cert: readFileSync(certificates.server.certificate),
    key: readFileSync(certificates.server.key),
  });
  cloud.on('stream', (stream, headers) => {
    seen.push(headers.authorization);
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16', 'grpc-message': 'no' },
      { endStream: true },
    );
  });
  await new Promise<void>((resolve) => cloud.listen(0, '127.0.0.1', resolve));
  atEnd(() => cloud.close());
  const cli = await createCommandLine();
  const refused = await cli.run(['schedules', 'list'], {
    TEMPORAL_ADDRESS: `localhost:${(cloud.address() as AddressInfo).port}`,
    TEMPORAL_API_KEY: 'hidden-key',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificates.ca,
    OCP_LOG_LEVEL: 'debug',
  });
  expect(refused.code).toBe(1);
  expect(seen).toContain('Bearer hidden-key');
  expect(refused.stderr).toContain('does not accept these credentials; check TEMPORAL_API_KEY');
  expect(refused.stdout + refused.stderr).not.toContain('hidden-key');
});

test('worker and command line go through a server that wants a client certificate; strangers do not', async () => {
  const strange = configuredTemporal(alone(mtls(certificates.stranger)));
  if (strange === undefined) throw new Error('not configured');
  await expect(connectClient(strange)).rejects.toThrow(/cannot be reached/);

  const cli = await createCommandLine();
  const environment = { ...cli.environment, ...mtls(certificates.client) };
  const worker = startWorker({ ...environment });
  await waitUntil(() => worker.output().includes('worker started'));
  const folder = await createArchiveFolder();
  const payload = await folder.pack(tinyPayload('c', '2026-10-06'));
  const args = ['ingest', payload, '--org', cli.database.orgId, '--register', '--follow', '--json'];
  const { code, stdout, stderr } = await cli.run(args, environment);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('"completed"');
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);
  const key = readFileSync(certificates.client.key, 'utf8').split('\n')[1] ?? '';
  expect(key).not.toBe('');
  expect(worker.output()).not.toContain(key);
});
