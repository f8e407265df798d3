import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { createCommandLine, startProgram } from '../support/command-line.ts';
import { program } from '../support/program-process.ts';

/** The built program as the container image has it: without the embedded servers. */
const installation = await mkdtemp(join(tmpdir(), 'ocp-pipeline-image-'));
afterAll(() => rm(installation, { recursive: true, force: true }));
const left = ['dev-stack', 'bench'].map((folder) => join(packageRoot, 'dist', folder));
await cp(dirname(dirname(program)), join(installation, 'dist'), {
  recursive: true,
  filter: (path) => !left.includes(path),
});
for (const name of ['package.json', 'node_modules', 'sql', 'migrations', 'samples'])
  await symlink(join(packageRoot, name), join(installation, name));

const { environment } = await createCommandLine();
const run = (args: readonly string[], more: Record<string, string | undefined>) =>
  startProgram(args, { ...environment, ...more }, join(installation, 'dist', 'cli', 'main.js')).ended;

test('commands with servers of their own do without the embedded ones', async () => {
  expect(await run(['setup'], {})).toMatchObject({ code: 0 });
  expect(await run(['source', 'list'], {})).toMatchObject({ code: 0, stderr: '' });
});

test('a command that needs the embedded servers says that there are none, and what to do', async () => {
  const needed =
    'needs the embedded servers, which this installation does not have (the container image has none); ' +
    'set the addresses of your servers, or work in a clone of the repository: npm run demo\n';
  expect(await run(['demo'], {})).toEqual({ code: 1, stdout: '', stderr: `this command ${needed}` });
  const unset = { DATABASE_URL: undefined, OBJECT_STORE: undefined, TEMPORAL_ADDRESS: undefined };
  expect(await run(['dev'], unset)).toEqual({
    code: 1,
    stdout: '',
    stderr: `DATABASE_URL, OBJECT_STORE, TEMPORAL_ADDRESS: not set; this command ${needed}`,
  });
  expect((await run(['source', 'list'], unset)).stderr).toBe(`DATABASE_URL: not set; this command ${needed}`);
});
