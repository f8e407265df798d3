// Lets Node run our TypeScript as it stands: `node --import <this file> cli/main.ts`. Types are stripped, not checked.
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import ts from 'typescript';

const compilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  verbatimModuleSyntax: true,
};

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  const { outputText } = ts.transpileModule(source, { fileName: url, compilerOptions });
  return { format: 'module', source: outputText, shortCircuit: true };
}

// Hooks run in a thread of their own, which loads this file too.
if (isMainThread) {
  register(import.meta.url);
  // A process whose test was killed must not stay behind: its standard input ends with its parent.
  process.stdin.on('close', () => process.exit(1)).resume();
}
