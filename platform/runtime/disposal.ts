interface Entry {
  what: string;
  close: () => unknown;
}

/**
 * What a process has opened, to be closed in reverse order. Node 20 has no AsyncDisposableStack; unlike that class,
 * this one also closes what is still being opened when it is closed.
 */
export class Disposal {
  readonly #entries: Entry[] = [];
  #closed: Promise<void> | undefined;

  /** Whether {@link close} was called. */
  get closing(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * Register something that is open.
   *
   * @param what its name in the message if it cannot be closed
   */
  add(what: string, close: () => unknown): void {
    if (this.closing) throw new Error(`${what} was opened during shutdown`);
    this.#entries.push({ what, close });
  }

  /**
   * Open something and register it. If everything was closed meanwhile, it is closed at once.
   *
   * @throws the error of `open`, or an Error that the process is shutting down
   */
  async open<T>(what: string, open: () => Promise<T>, close: (opened: T) => unknown): Promise<T> {
    if (this.closing) throw new Error(`${what} is not opened: shutdown is in progress`);
    const opened = await open();
    try {
      this.add(what, () => close(opened));
    } catch (error) {
      await close(opened);
      throw error;
    }
    return opened;
  }

  /**
   * Close everything, in reverse order and one after the other, even if one fails. May be called twice.
   *
   * @throws the error of the one that failed; if several failed, an AggregateError that names each
   */
  close(): Promise<void> {
    return (this.#closed ??= this.#closeAll());
  }

  async #closeAll(): Promise<void> {
    const failures: { what: string; error: unknown }[] = [];
    for (const { what, close } of this.#entries.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push({ what, error });
      }
    }
    if (failures.length === 1) throw failures[0]?.error;
    if (failures.length > 1)
      throw new AggregateError(
        failures.map(({ error }) => error),
        failures.map(({ what, error }) => `${what} could not be closed: ${messageOf(error)}`).join('; '),
      );
  }

  /**
   * Run `work`, which opens things; if it fails, close what it opened and report why it failed.
   *
   * @throws the error of `work`, even if something could not be closed
   */
  async closingOnFailure<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // The reason why it could not be opened says more than what could not be closed afterwards.
      await this.close().catch(() => undefined);
      throw error;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
