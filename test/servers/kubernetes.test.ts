import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));
const given = process.env['XDG_CACHE_HOME'] ?? '';
const program = join(
  given.startsWith('/') ? given : join(homedir(), '.cache'),
  'ocp-pipeline',
  'kubectl-validate',
);

/** Exit code and complaints about a manifest, by the schemas of a Kubernetes version, strict about unknown fields. */
async function validate(path: string): Promise<{ code: number; text: string }> {
  return run(program, ['--version', '1.29', path]).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, text: `${stdout}${stderr}` };
    },
  );
}

test('every manifest for Kubernetes is valid', async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) {
    const { code, text } = await validate(join(folder, name));
    expect(code, text).toBe(0);
  }
});

test.for([
  ['an unknown field', (text: string) => text.replace('replicas: 2', 'replica: 2')],
  ['a value of another type', (text: string) => text.replace('replicas: 2', "replicas: 'two'")],
] as const)('the check refuses %s, so it does check', async ([, change]) => {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-kubernetes-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const text = await readFile(join(folder, 'worker.yaml'), 'utf8');
  const wrong = change(text);
  expect(wrong).not.toBe(text);
  const path = join(directory, 'wrong.yaml');
  await writeFile(path, wrong);
  expect((await validate(path)).code).not.toBe(0);
});
