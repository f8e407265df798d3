#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=1
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import type { Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { redactSecrets } from '../domain/failures/redaction.ts';
import { packageRoot } from '../platform/config/package-root.ts';
import { register } from './command.ts';
import type { GlobalOptions } from './command.ts';
import { demoCommand } from './commands/demo.ts';
import {
  deploymentListCommand,
  deploymentMoveCommand,
  deploymentSetCurrentCommand,
} from './commands/deployment.ts';
import { devCommand } from './commands/dev.ts';
import { doctorCommand } from './commands/doctor.ts';
import { describeFailure } from './failure.ts';
import { ingestCommand } from './commands/ingest.ts';
import { migrateCommand } from './commands/migrate.ts';
import { replayCommand } from './commands/replay.ts';
import { resummarizeCommand } from './commands/resummarize.ts';
import { schedulesApplyCommand, schedulesListCommand } from './commands/schedules.ts';
import { setupCommand } from './commands/setup.ts';
import { sourceAddCommand, sourceAdoptCommand, sourceListCommand } from './commands/source.ts';
import { statusCommand } from './commands/status.ts';
import { hideSecretArguments, surviveClosedOutput } from './terminal.ts';
import { Interrupted, interruptedExitCode } from './stop-signal.ts';
import {
  tagsDisableCommand,
  tagsEnableCommand,
  tagsListCommand,
  tagsMapCommand,
  tagsUnmapCommand,
} from './commands/tags.ts';
import { tenantSetCommand } from './commands/tenant.ts';
import { workerCommand } from './commands/worker.ts';

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  version: string;
};

/** A name under which related commands stand. */
function group(
  parser: Argv<GlobalOptions>,
  name: string,
  summary: string,
  add: (inner: Argv<GlobalOptions>) => Argv<GlobalOptions>,
): Argv<GlobalOptions> {
  return parser.command(name, summary, (inner) =>
    add(inner).demandCommand(1, `Say which: ocp-pipeline ${name} --help`),
  );
}

function buildParser(): Argv<GlobalOptions> {
  let parser: Argv<GlobalOptions> = yargs(hideBin(process.argv))
    .scriptName('ocp-pipeline')
    .usage('$0 <command>\n\nOpenShift cost payloads to the summary tables that Koku reads, through Temporal')
    .option('json', { type: 'boolean', default: false, describe: 'print the result as JSON' });
  parser = register(parser, demoCommand);
  parser = register(parser, devCommand);
  parser = register(parser, ingestCommand);
  parser = register(parser, statusCommand);
  parser = register(parser, replayCommand);
  parser = register(parser, resummarizeCommand);
  parser = group(parser, 'source', 'Registered clusters', (inner) =>
    register(register(register(inner, sourceAddCommand), sourceListCommand), sourceAdoptCommand),
  );
  parser = group(parser, 'tags', 'Label keys that count', (inner) =>
    register(
      register(
        register(register(register(inner, tagsEnableCommand), tagsDisableCommand), tagsListCommand),
        tagsMapCommand,
      ),
      tagsUnmapCommand,
    ),
  );
  parser = group(parser, 'tenant', 'Settings of one organisation', (inner) =>
    register(inner, tenantSetCommand),
  );
  parser = group(parser, 'schedules', 'Cleanups and the watch over settings', (inner) =>
    register(register(inner, schedulesApplyCommand), schedulesListCommand),
  );
  parser = register(parser, workerCommand);
  parser = group(parser, 'deployment', 'Versions of the workers, when they are versioned', (inner) =>
    register(
      register(register(inner, deploymentSetCurrentCommand), deploymentListCommand),
      deploymentMoveCommand,
    ),
  );
  parser = register(parser, migrateCommand);
  parser = register(parser, setupCommand);
  parser = register(parser, doctorCommand);
  return parser
    .completion('completion', 'Print a shell completion script: source <(ocp-pipeline completion)')
    .demandCommand(1, 'Say what to do: ocp-pipeline --help')
    .strict()
    .recommendCommands()
    .wrap(Math.min(120, process.stdout.columns || 120))
    .version(version)
    .exitProcess(false)
    .fail((message, error, inner) => {
      // What a command throws comes without a message; what its checks of the options throw comes with one.
      throw (message as string | null) === null ? error : new UsageError(message, inner);
    });
}

/** The command line is wrong; the help of the command follows the message. */
class UsageError extends Error {
  override name = 'UsageError';
  readonly parser: Argv;
  constructor(message: string, parser: Argv) {
    super(message);
    this.parser = parser;
  }
}

/** Say on standard error what went wrong: a sentence, or with `--json` one line of JSON. */
function tell(error: unknown): void {
  const { errorType, message } = describeFailure(error);
  if (process.argv.some((argument) => /^--json(=true)?$/.test(argument))) {
    process.stderr.write(`${JSON.stringify({ error: { type: errorType, message } })}\n`);
    return;
  }
  process.stderr.write(`${message}\n`);
  if (error instanceof UsageError)
    process.stderr.write('\nocp-pipeline --help shows the commands and their options\n');
  else if (process.env['OCP_LOG_LEVEL'] === 'debug' && error instanceof Error)
    process.stderr.write(`${redactSecrets(error.stack ?? '')}\n`);
}

hideSecretArguments();
surviveClosedOutput();
try {
  await buildParser().parseAsync();
} catch (error) {
  process.exitCode = error instanceof Interrupted ? interruptedExitCode : 1;
  if (!(error instanceof Interrupted)) tell(error);
}
