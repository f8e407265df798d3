import { execFile } from 'node:child_process';
import { mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../platform/config/package-root.ts';
import { builtBundlePath, bundleWorkflows } from '../../workers/workflow-bundle.ts';

/**
 * The bundle of the workflows as the sources are, once for all test files: that of the build, or a new one if a source
 * has changed since. Bundling costs three seconds of processor time.
 *
 * @returns its path
 */
export async function currentBundle(): Promise<string> {
  if (await isCurrent()) return builtBundlePath;
  const path = join(await mkdtemp(join(tmpdir(), 'ocp-pipeline-bundle-')), 'workflow-bundle.js');
  await writeFile(path, await bundleWorkflows({ traced: false }));
  return path;
}

/** Whether no source is younger than the built bundle, and none is gone that git knows. */
async function isCurrent(): Promise<boolean> {
  const built = await modifiedMs(builtBundlePath);
  const sources = await listSources();
  const times = await Promise.all(sources.map((path) => modifiedMs(join(packageRoot, path))));
  return (
    sources.length > 0 && built !== undefined && times.every((time) => time !== undefined && time < built)
  );
}

/** What a bundle could consist of; nothing where this is no clone. */
async function listSources(): Promise<string[]> {
  const listed = ['--cached', '--others', '--exclude-standard', '*.ts', 'package-lock.json'];
  try {
    const { stdout } = await promisify(execFile)('git', ['ls-files', '-z', ...listed], { cwd: packageRoot });
    return stdout.split('\0').filter((path) => path !== '' && !path.startsWith('test/'));
  } catch {
    return [];
  }
}

async function modifiedMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}
