import { execFile } from 'node:child_process';
import { pythonTool } from './python-tools.ts';

/** Always the same requests, so that a failure can be repeated. */
const fixed = ['--seed', '20261101', '--generation-deterministic'];

/** What is sent to whom. */
export interface Fuzzing {
  /** the OpenAPI document: an address, or a file */
  document: string;
  /** examples of each operation at most */
  examples: number;
  /** where it may write */
  directory: string;
  /** checks that are left out */
  excluded: readonly string[];
  args: readonly string[];
}

/** Send requests that are made from an OpenAPI document. @returns exit code and what schemathesis printed */
export async function schemathesis(fuzzing: Fuzzing): Promise<{ code: number; output: string }> {
  const tool = await pythonTool('schemathesis');
  const words = [
    ...['run', fuzzing.document, '--max-examples', String(fuzzing.examples)],
    ...[...fixed, '--exclude-checks', fuzzing.excluded.join(','), '--no-color'],
    ...fuzzing.args,
  ];
  return new Promise((resolve) => {
    execFile(tool, words, { cwd: fuzzing.directory, maxBuffer: 2 ** 24 }, (error, output) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output }),
    );
  });
}
