import type { Argv } from 'yargs';
import { standardOutput } from './output.ts';
import type { Output } from './output.ts';

/** Options that every command has. */
export interface GlobalOptions {
  json: boolean;
}

/** One subcommand. `run` returns the exit code; what it throws is printed as one message, exit code 1. */
export interface Command<Options> {
  name: string;
  summary: string;
  options(parser: Argv<GlobalOptions>): Argv<Options>;
  run(options: Options & GlobalOptions, output: Output): Promise<number>;
}

/** Add a command to the parser. */
export function register<Options>(
  parser: Argv<GlobalOptions>,
  command: Command<Options>,
): Argv<GlobalOptions> {
  return parser.command(
    command.name,
    command.summary,
    (inner) => command.options(inner),
    async (options) => {
      const given = options as unknown as Options & GlobalOptions;
      process.exitCode = await command.run(given, standardOutput({ json: given.json }));
    },
  );
}
