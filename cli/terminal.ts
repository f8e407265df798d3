/** Keep addresses that may hold a secret out of the list of processes, which everybody on the machine can read. */
export function hideSecretArguments(): void {
  if (process.argv.some((argument) => /:\/\/.*[@?]/.test(argument))) process.title = 'ocp-pipeline';
}

/**
 * Go on when nobody reads any more, as in `ocp-pipeline status | head`: what is left is said to nobody, and the command
 * ends as it would have. Output that cannot be written for another reason, such as a full disk, is said once, exit code 1.
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
