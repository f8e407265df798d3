import type { Argv } from 'yargs';
import type { Output } from './output.ts';

/** Options that every command has. */
export interface GlobalOptions {
  json: boolean;
}

/** One subcommand of cli/catalog.ts. `run` returns the exit code; an error is printed as one message, exit code 1. */
export interface Command<Options> {
  options(parser: Argv<GlobalOptions>): Argv<Options>;
  run(options: Options & GlobalOptions, output: Output): Promise<number>;
}
