import { CancellationScope, log, patched } from '@temporalio/workflow';
import type { IngestManifestInput } from '../domain/run/run.ts';
import type { BoundActivities } from './activity-options.ts';
import { passControlFlow } from './control-flow.ts';

/** Ends of a run that are answered as a failure (DOMAIN §2); after any other the sender is told nothing. */
const answeredFailures: ReadonlySet<string> = new Set(['ManifestInvalid', 'PayloadUnavailable']);

/**
 * The answer to the Kafka message that announced the payload of a run. It is sent beside the run's other work, once:
 * the activity looks whether there is a message to answer. Where the run was just told that there is none, nothing is
 * asked.
 */
export class Answer {
  readonly #short: Pick<BoundActivities['short'], 'answerAnnouncement'>;
  readonly #input: Pick<IngestManifestInput, 'orgId' | 'requestId'>;
  #sending: Promise<void> | undefined;
  #isWithheld = false;

  constructor(
    short: Pick<BoundActivities['short'], 'answerAnnouncement'>,
    input: Pick<IngestManifestInput, 'orgId' | 'requestId'>,
  ) {
    this.#short = short;
    this.#input = input;
  }

  /** Data of the archive are left out for good: its sender gets no answer. */
  withhold(): void {
    this.#isWithheld = true;
  }

  /**
   * Every piece of the archive is loaded, or the payload is ignored.
   *
   * @param isAnnounced false: no message has announced it so far; `listen` answers one that comes later
   */
  success(isAnnounced = true): void {
    if (isAnnounced) this.#start('success');
  }

  /** The run fails. @param type of its failure */
  failure(type: string): void {
    if (answeredFailures.has(type)) this.#start('failure');
  }

  /** Before the run ends. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  #start(validation: 'success' | 'failure'): void {
    if (this.#sending !== undefined || this.#isWithheld || !patched('answer-announcement')) return;
    // A run that is cancelled does not wait for it.
    this.#sending = CancellationScope.nonCancellable(() => this.#send(validation));
  }

  async #send(validation: 'success' | 'failure'): Promise<void> {
    const { orgId, requestId } = this.#input;
    try {
      await this.#short.answerAnnouncement({ orgId, requestId, validation });
    } catch (error) {
      passControlFlow(error);
      log.error('the announced payload could not be answered; a listener answers it', {
        ...this.#input,
        error,
      });
    }
  }
}
