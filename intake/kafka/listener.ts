import { setTimeout as delay } from 'node:timers/promises';
import { openConsumer } from '../../platform/kafka/client.ts';
import type { KafkaConsumer, KafkaMessage } from '../../platform/kafka/client.ts';
import { startWaiting } from '../start-waiting.ts';
import { settleAnnouncements } from './settle-announcements.ts';
import { takeMessage } from './take-message.ts';
import type { ListenDeps } from './take-message.ts';

/** Waiting time after a failure, doubling. */
const pauseMs = { first: 500, max: 30_000 };
/** Between two sweeps. */
const sweepMs = 15_000;
/** How old a row has to be before a sweep takes it. */
const sweepMinSeconds = 30;

/** Called whenever it changes whether messages are being read. */
export type OnListening = (state: { listening: boolean; problem?: unknown }) => void;

/**
 * Take announced payloads until `signal` aborts. A message is processed again until it succeeds, and later ones wait:
 * while the database or Temporal is away, messages stay in their topic. What an outage of Kafka interrupts is continued
 * when it is back.
 *
 * @param onListening for health pages
 */
export async function listen(
  deps: ListenDeps,
  signal: AbortSignal,
  onListening: OnListening = () => undefined,
): Promise<void> {
  const sweeping = sweep(deps, signal);
  await repeatedly(deps, signal, 'Kafka', async (succeeded) => {
    const consumer = await openConsumer(deps.config);
    const close = closing(consumer);
    const onAbort = () => void close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) return;
      onListening({ listening: true });
      deps.log.info({ group: deps.config.KAFKA_GROUP, topic: deps.config.KAFKA_TOPIC }, 'listening');
      for await (const message of consumer.messages) {
        if (!(await takeUntilDone(deps, consumer, message, signal))) break;
        succeeded();
      }
    } catch (problem) {
      onListening({ listening: false, problem });
      throw problem;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await close();
    }
    if (!isStopping(signal)) throw new Error('the stream of messages ended');
  });
  await sweeping;
}

function closing(consumer: KafkaConsumer): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => (closed ??= consumer.close().catch(() => undefined));
}

/** @returns false if it was told to stop */
async function takeUntilDone(
  deps: ListenDeps,
  consumer: KafkaConsumer,
  message: KafkaMessage,
  signal: AbortSignal,
): Promise<boolean> {
  for (let pause = pauseMs.first; ; pause = Math.min(pause * 2, pauseMs.max)) {
    if (signal.aborted) return false;
    // A rebalance gave its partition to another member, which reads it again.
    if (!consumer.owns(message)) return true;
    try {
      await takeMessage(deps, message);
      break;
    } catch (error) {
      const { topic, partition, offset } = message;
      deps.log.warn(
        { topic, partition, offset: String(offset), error },
        'message could not be processed; later ones wait',
      );
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }
  if (consumer.owns(message)) await message.commit();
  return true;
}

/** It may have aborted during any wait. */
function isStopping(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Start what the inbox holds and answer what is open, now and then. */
async function sweep(deps: ListenDeps, signal: AbortSignal): Promise<void> {
  const limits = { minSeconds: sweepMinSeconds, signal };
  await repeatedly(deps, signal, 'the sweep', async (succeeded) => {
    await startWaiting(deps, limits);
    await settleAnnouncements(deps, limits);
    succeeded();
    await delay(sweepMs, undefined, { signal });
  });
}

/** Repeat `work` until `signal` aborts; after a failure wait, longer each time until something succeeds. */
async function repeatedly(
  { log }: ListenDeps,
  signal: AbortSignal,
  what: string,
  work: (succeeded: () => void) => Promise<void>,
): Promise<void> {
  let pause = pauseMs.first;
  const succeeded = () => {
    pause = pauseMs.first;
  };
  while (!signal.aborted) {
    try {
      await work(succeeded);
    } catch (error) {
      if (isStopping(signal)) return;
      log.warn({ error, what }, 'listening was interrupted; it is tried again');
      await delay(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, pauseMs.max);
    }
  }
}
