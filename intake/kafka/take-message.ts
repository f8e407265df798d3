import type { Pool } from 'pg';
import { decideAnswer, recordAnnouncement, sendAnswer } from '../../payload/announcements.ts';
import type { Validation } from '../../payload/announcements.ts';
import type { KafkaMessage, KafkaProducer } from '../../platform/kafka/client.ts';
import type { PipelineLogger } from '../../platform/observability/logging.ts';
import { acceptPayload } from '../accept-payload.ts';
import type { Acceptance, IntakeDeps } from '../accept-payload.ts';
import { readAnnouncement } from './announcement.ts';
import type { Announcement } from './announcement.ts';

/** What a listener works with. */
export interface ListenDeps extends IntakeDeps {
  producer: KafkaProducer;
  log: PipelineLogger;
}

/**
 * Process one message: record what it announces, and start its run. When this returns, the message may be committed.
 *
 * @throws an error of the database, of Temporal or of Kafka: nothing is lost if the message is processed again
 */
export async function takeMessage(deps: ListenDeps, message: KafkaMessage): Promise<void> {
  const { log, received, pool } = deps;
  const reading = readAnnouncement(message);
  if (reading.kind === 'other service') return;
  const { topic, partition, offset } = message;
  const at = { topic, partition, offset: String(offset) };
  if (reading.kind === 'poison') {
    const { problem, requestId } = reading;
    log.error({ ...at, problem, requestId }, 'message cannot be processed and is left out');
    if (requestId !== undefined) {
      await recordAnnouncement(pool, { requestId, orgId: null });
      await answer(deps, { requestId, orgId: null }, 'failure');
    }
    received?.('kafka', 'refused');
    return;
  }
  await takeAnnouncement(deps, reading.announcement, at);
}

async function takeAnnouncement(deps: ListenDeps, announcement: Announcement, at: object): Promise<void> {
  const { pool, log, config } = deps;
  const { requestId, orgId, url, account, identity } = announcement;
  // Before its run starts: a run that ends at once finds it.
  await recordAnnouncement(pool, {
    requestId,
    orgId,
    account,
    ...(config.ROS_BUCKET === undefined ? {} : { identity }),
  });
  const accepted = await acceptPayload(deps, { way: 'kafka', orgId, requestId, bytes: { address: url } });
  // A sweep would start it too; but as long as Temporal is away, the topic is the better place for what is still there.
  if (accepted.run === undefined) throw accepted.notStarted;
  if (accepted.run.earlier !== undefined) await answer(deps, { requestId, orgId }, 'success');
  log.info({ ...at, requestId, orgId, run: howItWent(accepted) }, 'announced payload taken');
}

function howItWent({ run }: Acceptance): string {
  if (run?.earlier !== undefined) return 'ingested before';
  return run?.joined === undefined ? 'started' : 'joined';
}

/** Answer a message that has no run to do so. */
async function answer(
  deps: ListenDeps,
  request: { requestId: string; orgId: string | null },
  validation: Validation,
): Promise<void> {
  const { requestId } = request;
  if ((await decideAnswer(deps.pool, request, validation)) === undefined) return;
  await sendDecided(deps, requestId);
}

/** Send a decided answer; without a topic for answers that is a warning, never a stop. */
export async function sendDecided(
  { pool, producer, config, log }: Pick<ListenDeps, 'producer' | 'config' | 'log'> & { pool: Pool },
  requestId: string,
): Promise<void> {
  const topic = config.KAFKA_ANSWER_TOPIC;
  const sent = await sendAnswer(pool, requestId, (validation) =>
    producer.send(topic, requestId, { request_id: requestId, validation }),
  );
  if (sent === 'no such topic')
    log.warn({ requestId, topic }, 'an announced payload is not answered: Kafka has no such topic');
}
