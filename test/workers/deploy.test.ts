import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configurationKeys, loadConfig } from '../../platform/config/config.ts';
import { fairnessSettings } from '../../dev-stack/temporal-server.ts';
import { configuredTemporal } from '../../platform/temporal/connection.ts';
import { checkRecord, sdkVersion } from '../../workers/workflow-bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = `${root}deploy/kubernetes/`;

interface Container {
  name: string;
  image: string;
  command?: string[];
  env: { name: string; value: string }[];
  envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  livenessProbe?: { httpGet: { path: string; port: string } };
  readinessProbe?: { httpGet: { path: string; port: string } };
  securityContext: { readOnlyRootFilesystem: boolean };
}
interface Manifest {
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  data?: Record<string, string>;
  spec?: {
    selector?: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        terminationGracePeriodSeconds?: number;
        initContainers?: Container[];
        containers: Container[];
        volumes: { name: string; secret?: { secretName: string; optional?: boolean } }[];
      };
    };
  };
}

const manifests = new Map(
  readdirSync(folder).map((name) => [
    name,
    parse(readFileSync(folder + name, 'utf8'), { merge: false, strict: true, maxAliasCount: 0 }) as Manifest,
  ]),
);
const podOf = (name: string) => {
  const pod = manifests.get(name)?.spec?.template.spec;
  if (pod === undefined) throw new Error(`${name} has no pod`);
  return pod;
};
const worker = podOf('worker.yaml').containers[0];
const steps = [...(podOf('release.yaml').initContainers ?? []), ...podOf('release.yaml').containers];
const shared = manifests.get('config.yaml')?.data ?? {};
const ownEnvironment = ({ env }: Container) =>
  Object.fromEntries(env.map(({ name, value }) => [name, value]));

/** Read by the AWS SDK and by Temporal's client. */
const libraryKeys = [
  'AWS_REGION',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
];

describe('deploy/kubernetes', () => {
  test('every variable is one that is read, and together they are a valid configuration', () => {
    for (const container of [worker, ...steps]) {
      if (container === undefined) throw new Error('no worker');
      const environment = { ...shared, ...ownEnvironment(container) };
      const unknown = Object.keys(environment).filter(
        (key) => !configurationKeys.includes(key) && !libraryKeys.includes(key),
      );
      expect(unknown, container.name).toEqual([]);
      expect(loadConfig(environment)).toMatchObject({ TEMPORAL_WORKER_BUILD_ID: '0a1b2c3d' });
    }
    // The certificates are not on this machine; that they are looked for shows that the variables are taken.
    expect(() => configuredTemporal(shared)).toThrow('/etc/temporal-tls/');
  });

  test('secrets come by reference, never as text', () => {
    for (const container of [worker, ...steps])
      expect(container?.envFrom).toEqual([
        { configMapRef: { name: 'ocp-pipeline' } },
        { secretRef: { name: 'ocp-pipeline' } },
      ]);
    for (const [name, manifest] of manifests)
      expect(JSON.stringify(manifest), name).not.toMatch(/DATABASE_URL|API_KEY|SECRET_ACCESS|password/i);
    for (const name of ['worker.yaml', 'release.yaml'])
      expect(podOf(name).volumes).toContainEqual({
        name: 'temporal-tls',
        secret: { secretName: 'ocp-pipeline-temporal-tls', optional: true },
      });
  });

  test('the worker is probed where it answers, and has longer to end than it takes', () => {
    const { OCP_HEALTH_ADDRESS: health = '', OCP_METRICS_ADDRESS: metrics = '' } = worker
      ? ownEnvironment(worker)
      : {};
    expect(worker?.ports).toEqual([
      { name: 'metrics', containerPort: Number(metrics.split(':')[1]) },
      { name: 'health', containerPort: Number(health.split(':')[1]) },
    ]);
    expect(worker?.livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'health' });
    expect(worker?.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'health' });
    const graceSeconds = loadConfig({}).OCP_SHUTDOWN_GRACE / 1_000;
    expect(podOf('worker.yaml').terminationGracePeriodSeconds).toBeGreaterThan(2 * graceSeconds + 5);
  });

  test('workers and release are of one version, and the release ends by making it current', () => {
    for (const container of [worker, ...steps]) {
      expect(container?.image).toBe('ocp-pipeline:0a1b2c3d');
      expect(container?.securityContext.readOnlyRootFilesystem).toBe(true);
    }
    expect(steps.map(({ command }) => command?.slice(2, 4).join(' '))).toEqual([
      'migrate',
      'setup',
      'deployment set-current',
    ]);
    const { spec } = manifests.get('worker.yaml') ?? {};
    expect(spec?.selector?.matchLabels).toEqual(spec?.template.metadata.labels);
    expect(spec?.selector?.matchLabels).toMatchObject({ 'app.kubernetes.io/version': '0a1b2c3d' });
  });
});

test('the Temporal server of docker-compose.yml has the settings that fairness needs', () => {
  const compose = parse(readFileSync(`${root}docker-compose.yml`, 'utf8'), { merge: true }) as {
    services: Record<string, { command: string[]; stop_grace_period?: string }>;
  };
  for (const [key, value] of Object.entries(fairnessSettings))
    expect(compose.services['temporal']?.command).toContain(`--dynamic-config-value=${key}=${value}`);
  expect(compose.services['worker']?.stop_grace_period).toBe('90s');
});

test('a workflow bundle of another SDK version, or none, is refused', () => {
  expect(() => checkRecord(JSON.stringify({ sdkVersion: sdkVersion() }), sdkVersion())).not.toThrow();
  expect(() => checkRecord(JSON.stringify({ sdkVersion: '1.23.0' }), sdkVersion())).toThrow(
    `expected one built with Temporal SDK ${sdkVersion()}, found 1.23.0; run: npm run build`,
  );
  expect(() => checkRecord(undefined, sdkVersion())).toThrow('found none');
});
