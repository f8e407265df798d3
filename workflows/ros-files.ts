import { CancellationScope, log, patched } from '@temporalio/workflow';
import type { AcceptedPayload } from '../domain/run/run.ts';
import type { BoundActivities } from './activity-options.ts';
import { passControlFlow } from './control-flow.ts';

/**
 * The resource-optimisation files of a run's payload. They are forwarded beside the run's other work, which does not
 * depend on it (DOMAIN §2).
 */
export class RosFiles {
  readonly #forward: BoundActivities['forward'];
  readonly #inboxId: string;
  #forwarding: Promise<void> | undefined;

  constructor(forward: BoundActivities['forward'], inboxId: string) {
    this.#forward = forward;
    this.#inboxId = inboxId;
  }

  /** The archive is stored, and its source is known. */
  start(payload: AcceptedPayload): void {
    if (payload.hasRosFiles !== true || !patched('forward-ros-files')) return;
    // A run that fails or is cancelled does not wait for it, but lets it end.
    this.#forwarding = CancellationScope.nonCancellable(() => this.#send(payload));
  }

  /** Before the run ends. */
  async settled(): Promise<void> {
    await this.#forwarding;
  }

  async #send(payload: AcceptedPayload): Promise<void> {
    try {
      await this.#forward.forwardRosFiles({ inboxId: this.#inboxId, payload });
    } catch (error) {
      passControlFlow(error);
      log.error('resource-optimisation files could not be forwarded', { ...payload, error });
    }
  }
}
