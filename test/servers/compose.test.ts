import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configurationKeys, loadConfig } from '../../platform/config/config.ts';
import { trinoLocation } from '../../platform/config/trino-settings.ts';
import { checkObjectStore, openObjectStore } from '../../platform/object-store/index.ts';
import { findTemporalBinary } from '../../dev-stack/temporal-binary.ts';
import { startTestServers } from '../support/servers.ts';
import { startVersitygw } from './versitygw.ts';
import { workerNodeOptions } from '../../workers/memory.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Read by the AWS SDK and by Temporal's client, so not among the keys of our own configuration. */
const libraryKeys = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_REGION',
  'PGPASSWORD',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
];

interface Service {
  image?: string;
  profiles?: string[];
  command?: string[] | null;
  environment?: Record<string, string | null>;
  ports?: { host_ip?: string; published?: string }[];
  depends_on?: Record<string, unknown>;
  healthcheck?: { test: string[] };
  volumes?: { type: string; source: string; target?: string }[];
}
interface Project {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

let directory = '';
let checker = '';
let project: Project;

/** What the library of Docker Compose makes of a file. @throws with its complaint when the file is not valid */
async function readCompose(file: string, variables: Record<string, string> = {}): Promise<Project> {
  // None of our own variables but these, so that the defaults in the file are what is checked.
  const { stdout } = await run(checker, [root, file], { env: { PATH: process.env['PATH'], ...variables } });
  return JSON.parse(stdout) as Project;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ocp-compose-'));
  checker = join(directory, 'compose-check');
  try {
    await run('go', ['build', '-o', checker, '.'], { cwd: join(root, 'test/servers/compose-check') });
  } catch (cause) {
    throw new Error(
      'test/servers/compose-check could not be built: it needs Go 1.24 or later and the Go module proxy; see test/servers/install.sh',
      { cause },
    );
  }
  project = await readCompose('docker-compose.yml');
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('docker-compose.yml', () => {
  test('has the services that the pipeline needs', () => {
    expect(Object.keys(project.services).sort()).toEqual([
      'cli',
      'grafana',
      'postgres',
      'prometheus',
      's3',
      'setup',
      'temporal',
      'temporal-namespace',
      'trino',
      'worker',
    ]);
    // What is not needed to ingest comes only when it is asked for.
    for (const [name, profile] of [
      ['cli', 'cli'],
      ['grafana', 'monitoring'],
      ['prometheus', 'monitoring'],
      ['trino', 'trino'],
    ] as const)
      expect(project.services[name]?.profiles).toEqual([profile]);
  });

  test.each([
    ['an unknown field', 'services: {a: {image: "a:1", portz: ["1"]}}', 'portz'],
    ['a dependency on a service that is absent', 'services: {a: {image: "a:1", depends_on: [b]}}', '"b"'],
    [
      'a volume that is not declared',
      'services: {a: {image: "a:1", volumes: ["undeclared:/v"]}}',
      'undeclared',
    ],
  ])('the check refuses %s, so it does check', async (_, text, complaint) => {
    const file = join(directory, 'wrong.yml');
    await writeFile(file, text);
    const failure = await readCompose(file).catch((error: unknown) => error as { stderr: string });
    expect(failure).toHaveProperty('stderr', expect.stringContaining('is not a valid Compose file'));
    expect(failure).toHaveProperty('stderr', expect.stringContaining(complaint));
  });

  test.each(['worker', 'setup', 'cli'])('every variable of %s is one that is read', (name) => {
    const keys = Object.keys(project.services[name]?.environment ?? {});
    expect(keys).toEqual(expect.arrayContaining(['DATABASE_URL', 'OBJECT_STORE', 'TEMPORAL_ADDRESS']));
    expect(keys.filter((key) => !configurationKeys.includes(key) && !libraryKeys.includes(key))).toEqual([]);
  });

  test('the addresses of the worker are services of this file', () => {
    const environment = project.services['worker']?.environment ?? {};
    const hosts = [
      new URL(environment['DATABASE_URL'] ?? '').hostname,
      new URL(environment['S3_ENDPOINT'] ?? '').hostname,
      environment['TEMPORAL_ADDRESS']?.split(':')[0],
    ];
    expect(hosts).toEqual(['postgres', 's3', 'temporal']);
  });

  test('the Trino engine is off unless it is asked for, and then has the keys of the S3 server', async () => {
    expect(project.services['worker']?.environment?.['TRINO_URL']).toBe('');
    expect(loadConfig({ TRINO_URL: '' }).TRINO_URL).toBeUndefined();
    const { services } = await readCompose('docker-compose.yml', { OCP_TRINO_URL: 'http://trino:8080' });
    for (const name of ['worker', 'setup', 'cli']) {
      const environment = services[name]?.environment ?? {};
      expect(new URL(environment['TRINO_URL'] ?? '').hostname).toBe('trino');
      expect(
        trinoLocation({ OBJECT_STORE: environment['OBJECT_STORE'] ?? '', TRINO_LOCATION: undefined }),
      ).toBe('s3://ocp-pipeline/ocp');
    }
    const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
    for (const key of keys)
      expect(services['trino']?.environment?.[key]).toBe(services['worker']?.environment?.[key]);
    expect(services['trino']?.ports).toBeUndefined();
    const mounted = services['trino']?.volumes?.filter(({ type }) => type === 'bind') ?? [];
    expect(mounted).toHaveLength(3);
    for (const { source } of mounted) await stat(source);
    const catalog = await readFile(join(root, 'deploy/compose/trino/catalog/lake.properties'), 'utf8');
    for (const key of keys) expect(catalog).toContain(`\${ENV:${key}}`);
    expect(catalog).toContain(`s3.endpoint=${services['worker']?.environment?.['S3_ENDPOINT'] ?? ''}\n`);
    const url = new URL(services['worker']?.environment?.['TRINO_URL'] ?? '');
    expect(await readFile(join(root, 'deploy/compose/trino/config.properties'), 'utf8')).toContain(
      `http-server.http.port=${url.port}\n`,
    );
  });

  test('a password of any characters is the one of the server, and the address stays one', async () => {
    const password = "p@ss:/w#r d%41'?&[";
    const { services } = await readCompose('docker-compose.yml', { OCP_POSTGRES_PASSWORD: password });
    expect(services['postgres']?.environment?.['POSTGRES_PASSWORD']).toBe(password);
    for (const name of ['worker', 'setup', 'cli']) {
      const environment = services[name]?.environment ?? {};
      expect(environment['PGPASSWORD']).toBe(password);
      expect(new URL(environment['DATABASE_URL'] ?? '')).toMatchObject({
        hostname: 'postgres',
        password: '',
      });
    }
  });

  test('closed runs are kept for 30 days by the command that the file gives', async () => {
    const command = project.services['temporal-namespace']?.command ?? [];
    const server = await startTestServers();
    const connection = await Connection.connect({ address: server.temporalAddress });
    try {
      const address = `--address=${server.temporalAddress}`;
      const given = command.map((part) => (part.startsWith('--address=') ? address : part));
      expect(given).toContain(address);
      await run(await findTemporalBinary({ say: () => undefined, environment: process.env }), given);
      const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
    } finally {
      await connection.close();
      await server.stop();
    }
  });

  test('Prometheus and Grafana get the alerts, the worker and the dashboard', async () => {
    for (const name of ['prometheus', 'grafana'])
      for (const { type, source } of project.services[name]?.volumes ?? [])
        if (type === 'bind') await expect(stat(source), source).resolves.toBeDefined();
    const text = async (path: string) => parse(await readFile(join(root, path), 'utf8')) as unknown;
    const { rule_files, scrape_configs } = (await text('deploy/compose/prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const port = project.services['worker']?.environment?.['OCP_METRICS_ADDRESS']?.split(':')[1];
    expect(scrape_configs).toEqual([
      { job_name: 'ocp-pipeline', static_configs: [{ targets: [`worker:${port ?? ''}`] }] },
    ]);
    const mounted = (name: string) =>
      (project.services[name]?.volumes ?? []).map(({ target }) => target ?? '');
    expect(mounted('prometheus')).toEqual(
      expect.arrayContaining(['/etc/prometheus/prometheus.yml', `/etc/prometheus/${rule_files[0] ?? ''}`]),
    );
    const { providers } = (await text('deploy/compose/grafana/dashboards.yml')) as {
      providers: { options: { path: string } }[];
    };
    expect(mounted('grafana')).toContain(providers[0]?.options.path);
    const { datasources } = (await text('deploy/compose/grafana/datasources.yml')) as {
      datasources: { type: string; url: string }[];
    };
    expect(datasources).toMatchObject([{ type: 'prometheus', url: 'http://prometheus:9090' }]);
  });

  test('images have a version and ports are published on loopback only', () => {
    for (const [name, service] of Object.entries(project.services)) {
      expect(service.image, name).toMatch(/:(?!latest).+/);
      for (const port of service.ports ?? []) expect(port.host_ip, name).toBe('127.0.0.1');
    }
  });

  test('every server that something waits for has a health check', () => {
    const setup = project.services['setup'];
    const servers = Object.keys(setup?.depends_on ?? {}).sort();
    expect(servers).toEqual(['postgres', 's3', 'temporal', 'temporal-namespace']);
    for (const name of ['postgres', 's3', 'temporal'])
      expect(project.services[name]?.healthcheck?.test[0], name).toBe('CMD');
  });

  test('the S3 server of the tests, started with the same command, has the bucket of the worker', async () => {
    const [bucket = ''] =
      project.services['worker']?.environment?.['OBJECT_STORE']?.slice(5).split('/') ?? [];
    expect(project.services['s3']?.command?.join(' ')).toContain(
      `mkdir -p /data/${bucket} && exec versitygw`,
    );
    // A bucket made as a folder, which no S3 client has created.
    await mkdir(join(directory, 's3', 'buckets', bucket), { recursive: true });
    const server = await startVersitygw(join(directory, 's3'));
    try {
      process.env['AWS_ACCESS_KEY_ID'] = server.accessKey;
      process.env['AWS_SECRET_ACCESS_KEY'] = server.secretKey;
      const url = project.services['worker']?.environment?.['OBJECT_STORE'] ?? '';
      const store = openObjectStore({ url, s3: { endpoint: server.endpoint, region: 'us-east-1' } });
      expect(await checkObjectStore(store)).toEqual({ ok: true, location: store.location });
    } finally {
      await server.stop();
    }
  });
});

describe('Dockerfile', () => {
  test('it ships what the package ships and starts the package’s command', async () => {
    const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8');
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      files: string[];
      bin: Record<string, string>;
    };
    expect(manifest.files).toContain('sql');
    for (const folder of manifest.files)
      expect(dockerfile).toContain(`COPY --from=build /app/${folder} ./${folder}`);
    const command = JSON.stringify([
      'node',
      ...workerNodeOptions,
      manifest.bin['ocp-pipeline'],
      'worker',
    ]).replaceAll(',', ', ');
    expect(dockerfile.trimEnd().split('\n').slice(-2)).toEqual(['USER node', `CMD ${command}`]);
  });

  test('nothing that the build copies is left out of the build context', async () => {
    const ignored = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n');
    const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8');
    const [, copied = ''] = /^COPY (package\.json .*) \.\/$/m.exec(dockerfile) ?? [];
    const { include } = JSON.parse(await readFile(join(root, 'tsconfig.build.json'), 'utf8')) as {
      include: string[];
    };
    const needed = [
      ...copied.split(' '),
      'tsconfig.json',
      'tsconfig.build.json',
      // The image has no benchmark.
      ...include.filter((folder) => folder !== 'bench'),
      'page',
      'sql',
      'migrations',
      'samples',
    ];
    expect(needed).toContain('cli');
    expect(copied.split(' ')).toContain('package-lock.json');
    // Part of the page, in a folder that is left out otherwise.
    expect(ignored).toContain('!docs/upload.md');
    for (const name of needed) {
      expect(ignored).not.toContain(name);
      await expect(run('test', ['-e', join(root, name)])).resolves.toBeDefined();
    }
  });
});
