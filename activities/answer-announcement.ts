import { log } from '@temporalio/activity';
import { decideAnswer, sendAnswer } from '../payload/announcements.ts';
import type { Validation } from '../payload/announcements.ts';
import { openProducer } from '../platform/kafka/client.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

export interface AnswerAnnouncementInput {
  orgId: string;
  requestId: string;
  validation: Validation;
}

/** What became of the answer. */
export interface AnswerAnnouncementResult {
  answer: 'sent' | 'not announced, or answered' | 'left to listen' | 'no answer topic';
}

/**
 * Answer the Kafka message that announced a payload, if one did (DOMAIN §2). The decision is recorded before anything
 * is sent: what this worker cannot send, because it has no brokers configured or they are away, a `listen` sends.
 * Rerun: a request id that was answered is not answered again.
 *
 * @throws an error of the Kafka client (retried) if the brokers cannot be reached
 */
export async function answerAnnouncement(
  { pool, config }: ActivityDependencies,
  { orgId, requestId, validation }: AnswerAnnouncementInput,
): Promise<AnswerAnnouncementResult> {
  const due = await decideAnswer(pool, { orgId, requestId }, validation);
  if (due === undefined) return { answer: 'not announced, or answered' };
  if (config.KAFKA_BROKERS === undefined) {
    log.info('the answer to an announced payload is left to listen: KAFKA_BROKERS is not set', { requestId });
    return { answer: 'left to listen' };
  }
  const producer = await openProducer(config);
  try {
    const { KAFKA_ANSWER_TOPIC: topic } = config;
    const sent = await sendAnswer(pool, requestId, (answer) =>
      producer.send(topic, requestId, { request_id: requestId, validation: answer }),
    );
    if (sent === 'nothing to send') return { answer: 'not announced, or answered' };
    if (sent === 'sent') return { answer: 'sent' };
    log.warn('an announced payload is not answered: Kafka has no such topic', { requestId, topic });
    return { answer: 'no answer topic' };
  } finally {
    await producer.close();
  }
}
