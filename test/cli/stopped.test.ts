import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { waitUntil } from '../support/wait-until.ts';

let cli: CommandLine;
let connection: Connection;
beforeAll(async () => {
  cli = await createCommandLine();
  await cli.run(['migrate']);
  connection = await Connection.connect({ address: inject('temporalAddress') });
});
afterAll(() => connection.close());

test('ingest --register of a slow address ends at SIGTERM and starts nothing', async () => {
  let asked = false;
  const server = createServer((_request, response) => {
    asked = true;
    response.write(Buffer.from([0x1f, 0x8b]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/payload?X-Amz-Signature=TOPSECRET`;
  try {
    const { child, ended } = cli.start(['ingest', address, '--org', cli.database.orgId, '--register']);
    await waitUntil(() => Promise.resolve(asked));
    // The list of processes is for everybody to read.
    expect(await readFile(`/proc/${child.pid ?? ''}/cmdline`, 'utf8')).not.toContain('TOPSECRET');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 130, stdout: '', stderr: '' });
  } finally {
    server.closeAllConnections();
    server.close();
  }
  const client = new Client({ connection, namespace: cli.environment['TEMPORAL_NAMESPACE'] ?? '' });
  expect((await client.workflow.count()).count).toBe(0);
  const { rows } = await cli.database.pool.query('select from public.payload_inbox');
  expect(rows).toEqual([]);
});

test('a worker does not start in a namespace without the search attributes, and says how to register them', async () => {
  const namespace = `bare-${randomBytes(6).toString('hex')}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await waitUntil(async () =>
    connection.operatorService.listSearchAttributes({ namespace }).then(
      () => true,
      () => false,
    ),
  );
  const { code, stderr } = await cli.run(['worker'], { TEMPORAL_NAMESPACE: namespace });
  expect(code).toBe(1);
  expect(stderr).toContain(
    `Namespace ${namespace} lacks the search attributes OrgId, ClusterId, BillingMonth, PipelineState, ManifestDate; ` +
      'register them, then start the worker: ocp-pipeline setup',
  );
});

test('label keys as Kubernetes spells them are told as reports write them', async () => {
  const { orgId } = cli.database;
  await cli.run(['source', 'add', '--org', orgId, '--cluster', 'c', '--name', 'n']);
  const enabled = await cli.run([
    'tags',
    'enable',
    'app.kubernetes.io/name',
    'label_x',
    'team',
    '--org',
    orgId,
  ]);
  expect(enabled.code).toBe(0);
  expect(enabled.stderr).toContain(
    'app.kubernetes.io/name: reports write this label app_kubernetes_io_name;',
  );
  expect(enabled.stderr).toContain('label_x: reports write this label x;');
  expect(enabled.stderr).not.toContain('team:');
  const mapped = await cli.run(['tags', 'map', 'team', 'label_x', '--org', orgId]);
  expect(mapped.stderr).toContain('label_x: reports write this label x;');
});
