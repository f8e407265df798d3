/** Keep addresses that may contain a secret out of the process list, which every user of the machine can read. */
export function hideSecretArguments(): void {
  if (process.argv.some((argument) => /:\/\/.*[@?]/.test(argument))) process.title = 'ocp-pipeline';
}

/**
 * Continue if the reader goes away, as in `ocp-pipeline status | head`: the rest of the output is dropped, and the
 * command ends as it would have. If output cannot be written for another reason, such as a full disk, this is reported
 * once, exit code 1.
 */
export function surviveClosedOutput(): void {
  for (const [stream, name] of [
    [process.stdout, 'Standard output'],
    [process.stderr, 'Standard error'],
  ] as const) {
    let told = false;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || told) return;
      told = true;
      process.once('exit', () => {
        process.exitCode = 1;
      });
      if (stream === process.stdout) process.stderr.write(`${name} cannot be written: ${error.message}\n`);
    });
  }
}
