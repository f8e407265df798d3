#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=1
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import type { Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { PipelineError } from '../domain/failures/failures.ts';
import { redactSecrets } from '../domain/failures/redaction.ts';
import { packageRoot } from '../platform/config/package-root.ts';
import { catalog, namedCommand } from './catalog.ts';
import type { AnyCommand, CommandGroup, ListedCommand } from './catalog.ts';
import type { GlobalOptions } from './command.ts';
import { withStrictValues } from './option-values.ts';
import { Interrupted, interruptedExitCode } from './stop-signal.ts';
import { hideSecretArguments, surviveClosedOutput } from './terminal.ts';

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  version: string;
};

/**
 * Add a command to the parser.
 *
 * @param loaded its code, if the command line names it: yargs completes the options of a command only if they are
 *   declared synchronously, so they are loaded beforehand
 */
function register(
  parser: Argv<GlobalOptions>,
  command: ListedCommand,
  loaded: AnyCommand | undefined,
  words: readonly string[],
): Argv<GlobalOptions> {
  return parser.command(
    command.name,
    command.summary,
    (inner) =>
      loaded === undefined
        ? inner
        : withStrictValues(inner, (parsed) => loaded.options(parsed), { form: command.name, words }),
    async (options) => {
      if (loaded === undefined) throw new Error(`${command.name}: named in a way that was not understood`);
      const { standardOutput } = await import('./output.ts');
      process.exitCode = await loaded.run(
        options as never,
        standardOutput({ json: options['json'] === true }),
      );
    },
  );
}

async function buildParser(words: readonly string[]): Promise<Argv<GlobalOptions>> {
  const named = namedCommand(words);
  const loaded = await named?.load();
  const add = (
    parser: Argv<GlobalOptions>,
    entry: ListedCommand | CommandGroup,
    before = '',
  ): Argv<GlobalOptions> =>
    'load' in entry
      ? register(parser, entry, entry === named ? loaded : undefined, words)
      : parser.command(entry.name, entry.summary, (inner: Argv<GlobalOptions>) =>
          entry.commands
            .reduce((group, command) => add(group, command, `${before}${entry.name} `), inner)
            .demandCommand(1, `Name a subcommand: ocp-pipeline ${before}${entry.name} --help`),
        );
  let parser: Argv<GlobalOptions> = yargs(hideBin(process.argv))
    .scriptName('ocp-pipeline')
    .usage(
      '$0 <command>\n\nLoad OpenShift cost payloads into the summary tables that Koku reads, with Temporal',
    )
    .option('json', { type: 'boolean', default: false, describe: 'print the result as JSON' });
  for (const entry of catalog) parser = add(parser, entry);
  return parser
    .completion('completion', 'Print a shell completion script: source <(ocp-pipeline completion)')
    .demandCommand(1, 'Name a command: ocp-pipeline --help')
    .strict()
    .recommendCommands()
    .wrap(Math.min(120, process.stdout.columns || 120))
    .version(version)
    .exitProcess(false)
    .fail((message, error, inner) => {
      // Errors thrown by a command come without a message, those thrown by its option checks come with one.
      throw (message as string | null) === null ? error : new UsageError(message, inner);
    });
}

/** The command line is wrong; the help of the command follows the message. */
class UsageError extends PipelineError {
  readonly parser: Argv;
  constructor(message: string, parser: Argv) {
    super('UsageError', message);
    this.parser = parser;
  }
}

/** Describing an error needs the client libraries; a usage error does without them. */
async function describe(error: unknown): Promise<{ errorType: string; message: string }> {
  if (error instanceof UsageError) return { errorType: error.type, message: redactSecrets(error.sentence) };
  const { describeFailure } = await import('./failure.ts');
  return describeFailure(error);
}

/** Report the error on standard error: as a sentence, or with `--json` as one line of JSON. */
async function tell(error: unknown): Promise<void> {
  const { errorType, message } = await describe(error);
  if (process.argv.some((argument) => /^--json(=true)?$/.test(argument))) {
    process.stderr.write(`${JSON.stringify({ error: { type: errorType, message } })}\n`);
    return;
  }
  process.stderr.write(`${message}\n`);
  if (error instanceof UsageError)
    process.stderr.write('\nocp-pipeline --help lists the commands and their options\n');
  else if (error instanceof Error && (await asksForStacks()))
    process.stderr.write(`${redactSecrets(error.stack ?? '')}\n`);
}

/** The configuration as a whole may be what the error is about. */
async function asksForStacks(): Promise<boolean> {
  const { configuredLogLevel } = await import('../platform/config/config.ts');
  return ['debug', 'trace'].includes(configuredLogLevel());
}

hideSecretArguments();
surviveClosedOutput();
try {
  const parser = await buildParser(hideBin(process.argv));
  await parser.parseAsync();
} catch (error) {
  process.exitCode = error instanceof Interrupted ? interruptedExitCode : 1;
  if (!(error instanceof Interrupted)) await tell(error);
}
