import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** What a process that opened a stack tells about it. */
export interface OpenedElsewhere {
  databaseUrl: string | undefined;
  temporalAddress: string | undefined;
  objectStoreUrl: string | undefined;
  owned: boolean;
}

/** A process of its own that has opened a stack. */
export interface StackProcess {
  pid: number;
  opened: OpenedElsewhere;
  /** Everything it said until now, one line each. */
  said: string[];
  /** Ask it to call `stop()`; resolves with its exit code. */
  stop(): Promise<number | null>;
  /** End it without giving it a chance to stop anything. */
  kill(): Promise<void>;
}

/** How to run the process. */
export interface StackProcessOptions {
  dataDirectory: string;
  needs: { postgres: boolean; temporal: boolean; objectStore: boolean };
  environment: NodeJS.ProcessEnv;
  account?: { uid: number; gid: number };
  /** Node for it; default ours */
  node?: string;
}

const ownerProgram = `
import { createInterface } from 'node:readline';
import { openEmbeddedStack } from './dev-stack/stack.js';
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\\n');
const [dataDirectory, needs] = process.argv.slice(2);
try {
  const stack = await openEmbeddedStack({ dataDirectory, needs: JSON.parse(needs), say: (said) => tell({ said }) });
  const { databaseUrl, temporalAddress, objectStoreUrl, owned } = stack;
  tell({ opened: { databaseUrl, temporalAddress, objectStoreUrl, owned } });
  createInterface(process.stdin).once('close', () => void stack.stop().then(() => process.exit(0)));
} catch (error) {
  tell({ failed: error.message });
  process.exit(1);
}
`;

/**
 * Compile `dev-stack`, the facts of a run that it reads, and `test/support` into a directory, so that plain Node can
 * run them in other processes and as other users.
 *
 * @returns path of a program to give to `openElsewhere`
 */
export async function compileStackProgram(directory: string): Promise<string> {
  await compileFolder('dev-stack', directory);
  await compileFolder('domain/failures', directory);
  await compileFolder('domain/run', directory);
  await compileFolder('test/support', directory);
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }\n');
  await symlink(join(repository, 'node_modules'), join(directory, 'node_modules'));
  const program = join(directory, 'owner.js');
  await writeFile(program, ownerProgram);
  return program;
}

async function compileFolder(folder: string, directory: string): Promise<void> {
  const sources = join(repository, folder);
  const output = join(directory, folder);
  await mkdir(output, { recursive: true });
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    rewriteRelativeImportExtensions: true,
  };
  for (const name of (await readdir(sources)).filter((file) => file.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(await readFile(join(sources, name), 'utf8'), {
      compilerOptions,
    });
    await writeFile(join(output, name.replace(/\.ts$/, '.js')), outputText);
  }
}

/**
 * Open a stack in a process of its own.
 *
 * @throws Error with what the process said when it fails
 */
export async function openElsewhere(program: string, options: StackProcessOptions): Promise<StackProcess> {
  const node = options.node ?? process.execPath;
  const child = spawn(node, [program, options.dataDirectory, JSON.stringify(options.needs)], {
    cwd: '/',
    env: options.environment,
    stdio: ['pipe', 'pipe', 'inherit'],
    ...options.account,
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const said: string[] = [];
  const opened = await firstAnswer(child, ended, said);
  return {
    pid: child.pid ?? 0,
    opened,
    said,
    stop: () => {
      child.stdin.end();
      return ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

interface Told {
  said?: string;
  failed?: string;
  opened?: OpenedElsewhere;
}

function firstAnswer(
  child: ChildProcess,
  ended: Promise<number | null>,
  said: string[],
): Promise<OpenedElsewhere> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`process did not open the stack: ${why}; it said:\n${said.join('\n')}`));
    };
    void ended.then((code) => fail(`exit code ${code ?? 'none, a signal'}`));
    if (child.stdout === null) {
      fail('no output');
      return;
    }
    createInterface(child.stdout).on('line', (line) => {
      const told = JSON.parse(line) as Told;
      if (told.said !== undefined) {
        said.push(told.said);
      } else if (told.opened !== undefined) {
        resolve(told.opened);
      } else if (told.failed !== undefined) {
        fail(told.failed);
      }
    });
  });
}
