/** Says what is being measured, on standard error; on a terminal one live line with the time it has taken so far. */
export interface Progress {
  /** a step begins; the one before has ended */
  step(text: string): void;
  /** a line that stays */
  say: (text: string) => void;
  end(): void;
}

const tickMs = 1_000;

/** @param live whether to overwrite the line: only on a terminal */
export function createProgress(
  live: boolean,
  write = (text: string) => process.stderr.write(text),
): Progress {
  let current: { text: string; since: number } | undefined;
  const draw = () => {
    if (current === undefined) return;
    const seconds = Math.floor((performance.now() - current.since) / 1_000);
    write(`\r\x1b[2K${current.text} ${seconds} s`);
  };
  const clear = () => {
    if (live && current !== undefined) write('\r\x1b[2K');
  };
  const timer = live ? setInterval(draw, tickMs) : undefined;
  return {
    step: (text) => {
      clear();
      current = { text, since: performance.now() };
      if (live) draw();
      else write(`${text}\n`);
    },
    say: (text) => {
      clear();
      write(`${text}\n`);
      if (live) draw();
    },
    end: () => {
      clearInterval(timer);
      clear();
      current = undefined;
    },
  };
}
