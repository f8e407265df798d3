import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { createTestPipeline, testEnvironment } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { startCommand } from '../../support/program-process.ts';
import type { ProgramProcess } from '../../support/program-process.ts';
import { startKafka } from '../kafka.ts';
import type { KafkaServer } from '../kafka.ts';
import { startVersitygw } from '../versitygw.ts';
import type { Versitygw } from '../versitygw.ts';
import { announceTopic, answerTopic, createIngress } from './ingress.ts';
import type { Ingress } from './ingress.ts';

/** A pipeline behind a broker and an ingress; its listeners are processes of their own. */
export interface Listening {
  pipeline: TestPipeline;
  kafka: KafkaServer;
  s3: Versitygw;
  ingress: Ingress;
  /** Start `ocp-pipeline listen` and wait until it reads. */
  startListener: (environment?: Record<string, string>) => Promise<ProgramProcess>;
  /** The answers so far: the validations of each request id, in order. */
  answers: () => Promise<Record<string, string[]>>;
}

/** How quickly a listener that dies is replaced; on a busy machine one that lives may be silent for seconds. */
const sessionTimeout = '6s';

/** Create it; everything ends with the file's tests. @param environment settings of the worker and the listeners */
export async function createListening(
  environment: Record<string, string> = {},
  { withAnswerTopic = true } = {},
): Promise<Listening> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-intake-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const [kafka, s3] = await Promise.all([
    startKafka(join(directory, 'kafka')),
    startVersitygw(join(directory, 's3')),
  ]);
  atEnd(() => s3.stop());
  await kafka.createTopic(announceTopic, 3);
  if (withAnswerTopic) await kafka.createTopic(answerTopic, 1);
  const own = {
    KAFKA_BROKERS: kafka.address,
    KAFKA_SESSION_TIMEOUT: sessionTimeout,
    ...environment,
  };
  const pipeline = await createTestPipeline(own);
  const { database, namespace, config } = pipeline;
  return {
    pipeline,
    kafka,
    s3,
    ingress: await createIngress(s3, kafka),
    startListener: async (more = {}) => {
      const listener = startCommand(['listen'], {
        ...testEnvironment,
        DATABASE_URL: database.url,
        OBJECT_STORE: config.OBJECT_STORE ?? '',
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        TEMPORAL_NAMESPACE: namespace,
        ...own,
        ...more,
      });
      await listener.hasSaid('"listening"');
      return listener;
    },
    answers: async () => {
      const found: Record<string, string[]> = {};
      for (const text of await kafka.read(answerTopic)) {
        const { request_id: requestId, validation } = JSON.parse(text) as Record<string, string>;
        (found[requestId ?? ''] ??= []).push(validation ?? '');
      }
      return found;
    },
  };
}
