import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { createToken } from '../../platform/tenants/credentials.ts';
import { anotherManifest, createArchiveFolder, readPayload } from '../support/archives.ts';
import type { TestDatabase } from '../support/database.ts';
import { serveHttp } from '../support/http-app.ts';
import type { TestHttp } from '../support/http-app.ts';
import { startIssuer } from '../support/issuer.ts';
import type { Issuer } from '../support/issuer.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

/** Applications that take uploads, and what is sent to them. */
export interface Refusals {
  pipeline: TestPipeline;
  database: TestDatabase;
  issuer: Issuer;
  /** accepts the identity header from nowhere */
  http: TestHttp;
  /** accepts the identity header from this machine */
  gateway: TestHttp;
  /** of the cluster "theirs" */
  archive: Buffer;
  /** valid: what is refused is refused for the other reason */
  bearer: Record<string, string>;
}

let pipeline: TestPipeline;
let kept: unknown;

/** Set up two applications. */
export async function createRefusals(): Promise<Refusals> {
  pipeline = await createTestPipeline();
  const { database } = pipeline;
  const issuer = await startIssuer();
  // Tests of other limits log in wrongly more often than senders do.
  const environment = { OIDC_ISSUER: issuer.url, OCP_MAX_FAILED_LOGINS: '1000', OCP_MAX_UPLOAD_MB: '1' };
  const folder = await createArchiveFolder();
  const payload = anotherManifest(await readPayload('nise-small'), { cluster_id: 'theirs' });
  const token = await createToken(database.pool, { orgId: database.orgId });
  return {
    pipeline,
    database,
    issuer,
    http: await serveHttp(pipeline, environment),
    gateway: await serveHttp(pipeline, { ...environment, TRUST_IDENTITY_HEADER_FROM: '127.0.0.0/8' }),
    archive: await readFile(await folder.pack(payload)),
    bearer: { authorization: `Bearer ${token.secret}` },
  };
}

/** Everything that an upload or a registration would leave. */
async function everythingKept(): Promise<unknown> {
  const keys: string[] = [];
  for await (const { key } of pipeline.objectStore.list('')) keys.push(key);
  const { rows } = await pipeline.database.pool.query(
    `select (select count(*) from public.payload_inbox) as payloads,
            (select count(*) from public.api_provider) as providers,
            (select count(*) from public.api_customer) as organisations,
            (select count(*) from public.api_sources) as sources`,
  );
  return { keys, rows };
}

/** Note what is kept now: to be called before each test, and after it registered something itself. */
export async function noteWhatIsKept(): Promise<void> {
  kept = await everythingKept();
}

/** Nothing came of what was sent since the note. */
export async function expectNothingKept(): Promise<void> {
  expect(await everythingKept()).toEqual(kept);
}

/** The answer refuses, says why, and nothing is kept. */
export async function expectRefused(answer: Response, status: number, sentence: string): Promise<void> {
  const body = (await answer.json()) as { errors: { status: number; detail: string }[] };
  expect({ status: answer.status, detail: body.errors[0]?.detail }).toEqual({
    status,
    detail: expect.stringContaining(sentence) as string,
  });
  await expectNothingKept();
}

/** Headers of a sender with a user name and a password. */
export const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

/** Headers of a gateway that has checked who sends. */
export const identity = (orgId: string) => ({
  'x-rh-identity': Buffer.from(JSON.stringify({ identity: { org_id: orgId } })).toString('base64'),
});
