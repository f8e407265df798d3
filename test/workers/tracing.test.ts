import { readFileSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';
import { createArchiveFolder } from '../support/archives.ts';
import { createCommandLine } from '../support/command-line.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorker } from '../platform/observability/observed-worker.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';
import { tinyPayload } from './tiny-payloads.ts';

const day = '2026-10-06';
const shown = [
  'attempt',
  'exception.message',
  'exception.type',
  'namespace',
  'run_id',
  'taskQueue',
  'temporalActivityId',
  'temporalWorkflowId',
  'workflowType',
];

test('one payload is one trace: its start, its workflow and its activities, of two processes', async () => {
  const cli = await createCommandLine();
  const receiver = await startOtlpReceiver();
  const folder = await createArchiveFolder();
  const tracing = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hidden-token',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
  };
  const { orgId } = cli.database;
  const payload = await folder.pack(tinyPayload('traced-cluster', day));
  const worker = startWorker({ ...cli.environment, ...tracing, HOSTNAME: 'pod-7' });
  await waitUntil(() => worker.output().includes('worker started'));
  const args = ['ingest', payload, '--org', orgId, '--register', '--follow', '--json'];
  const ingest = await cli.run(args, tracing);
  expect(ingest.code, ingest.stderr).toBe(0);
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);

  const spans = receiver.spans();
  const run = spans.filter(({ name }) => name === 'StartWorkflow:ingestManifest');
  expect(run).toHaveLength(1);
  const trace = spans.filter(({ traceId }) => traceId === run[0]?.traceId);
  const names = trace.map(({ name }) => name);
  const steps = ['downloadPayload', 'splitPayload', 'loadReportDay', 'aggregateDays', 'recordCompletion'];
  expect(names).toEqual(
    expect.arrayContaining([
      'RunWorkflow:ingestManifest',
      ...steps.flatMap((step) => [`StartActivity:${step}`, `RunActivity:${step}`]),
    ]),
  );
  // Every span but the first hangs on another one of the trace.
  const ids = new Set(trace.map(({ spanId }) => spanId));
  const roots = trace.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId));
  expect(roots.map(({ name }) => name)).toEqual(['StartWorkflow:ingestManifest']);
  for (const span of trace)
    expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));

  expect(receiver.headers[0]).toMatchObject({ authorization: 'Bearer hidden-token' });
  expect(receiver.resources()).toContainEqual(
    expect.objectContaining({
      'service.name': 'ocp-pipeline',
      'service.instance.id': 'pod-7',
      'deployment.environment': 'test',
    }),
  );
  const attributes = new Set(spans.flatMap((span) => span.attributes.map(({ key }) => key)));
  expect([...attributes].filter((name) => !shown.includes(name))).toEqual([]);
  const sent = receiver.bodies.join('\n');
  const password = new URL(cli.database.url).password;
  for (const secret of ['hidden-token', password, 'traced-cluster', payload]) {
    expect(secret).not.toBe('');
    expect(sent).not.toContain(secret);
  }
  expect(worker.output()).not.toContain('hidden-token');
});

test('a collector that refuses costs spans and a line in the log, not the run', async () => {
  const cli = await createCommandLine();
  const receiver = await startOtlpReceiver(503);
  const folder = await createArchiveFolder();
  const payload = await folder.pack(tinyPayload('c', day));
  const worker = startWorker({ ...cli.environment, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
  await waitUntil(() => worker.output().includes('worker started'));
  const ingest = await cli.run([
    'ingest',
    payload,
    '--org',
    cli.database.orgId,
    '--register',
    '--follow',
    '--json',
  ]);
  expect(ingest.code, ingest.stderr).toBe(0);
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);
  expect(worker.lines()).toContainEqual(
    expect.objectContaining({
      msg: 'traces were dropped',
      error: expect.objectContaining({ message: expect.stringContaining('HTTP 503') as string }) as unknown,
    }),
  );
});

test('a run that began without tracing goes on with it: its history replays on the traced workflows', async () => {
  const pipeline = await createTestPipeline();
  const folder = await createArchiveFolder();
  await pipeline.addSource('c');
  const { handle } = await pipeline.start({ payload: await folder.pack(tinyPayload('c', day)) });
  await handle.result();
  const workflowBundle = { code: await bundleWorkflows({ traced: true }) };
  await Worker.runReplayHistory(
    { workflowBundle, sinks: { exporter: { export: { fn: () => undefined, callDuringReplay: false } } } },
    await handle.fetchHistory(),
    handle.workflowId,
  );
});

test('OpenTelemetry shares the packages of the Temporal SDK', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const installed = Object.entries(lock.packages).filter(([path]) =>
    /node_modules\/@temporalio\/[^/]+$/.test(path),
  );
  expect(installed.map(([path]) => path)).toContain('node_modules/@temporalio/interceptors-opentelemetry');
  for (const [path, { version }] of installed) {
    expect(path).toMatch(/^node_modules\/@temporalio\/[^/]+$/);
    expect(version, path).toBe('1.24.0');
  }
  const openTelemetry = Object.keys(lock.packages).filter((path) =>
    path.includes('node_modules/@opentelemetry/'),
  );
  expect(openTelemetry.length).toBeGreaterThan(4);
  expect(openTelemetry.filter((path) => path.lastIndexOf('node_modules') > 0)).toEqual([]);
});
