import { problem } from './problem.ts';

/** What the object store holds in memory for one upload, at most: two parts, and one being copied. */
const uploadBytes = 15 * 1024 * 1024;

/**
 * Memory for the bodies of uploads. Each reserves what the object store holds of it; beyond the budget uploads wait
 * their turn, unread, so that any number may arrive at the same time.
 */
export class UploadBudget {
  #freeBytes: number;
  readonly #patienceMs: number;
  readonly #waiting: { bytes: number; start: () => void }[] = [];

  /**
   * @param totalBytes for all uploads together
   * @param patienceMs how long an upload waits before it is refused
   */
  constructor(totalBytes: number, patienceMs: number) {
    this.#freeBytes = totalBytes;
    this.#patienceMs = patienceMs;
  }

  /**
   * Do `work` within the budget.
   * @param bodyBytes size of the body, as far as it is known
   * @throws Problem 503 if it is not its turn in time; `work` is not called then
   */
  async within<T>(bodyBytes: number | undefined, work: () => Promise<T>): Promise<T> {
    const bytes = Math.min(bodyBytes ?? uploadBytes, uploadBytes);
    await this.#take(bytes);
    try {
      return await work();
    } finally {
      this.#freeBytes += bytes;
      this.#startWaiting();
    }
  }

  async #take(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && bytes <= this.#freeBytes) {
      this.#freeBytes -= bytes;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const entry = {
        bytes,
        start: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(problem(503, 'too many uploads at the same time; send it again later'));
        this.#startWaiting();
      }, this.#patienceMs);
      this.#waiting.push(entry);
    });
  }

  /** In the order of arrival, so that a large upload is not overtaken for ever by small ones. */
  #startWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#freeBytes;) {
      this.#waiting.shift();
      this.#freeBytes -= next.bytes;
      next.start();
      next = this.#waiting[0];
    }
  }
}
