import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { PipelineError } from '../domain/failures/failures.ts';
import { isErrno } from './process-identity.ts';

const run = promisify(execFile);

/** Numeric user and group a server runs as. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * Decide which account runs PostgreSQL, which refuses to run as root.
 *
 * A normal user runs it as itself (undefined). Root runs it as the owner of an existing cluster, so that a cluster
 * created by a normal user stays usable, otherwise as user `postgres`, which is created if it does not exist.
 *
 * @throws PipelineError `EmbeddedServerFailed` if the current user has no passwd entry, or root can neither find nor
 * create a usable account
 */
export async function choosePostgresAccount(
  clusterDirectory: string,
  say: (line: string) => void,
): Promise<Account | undefined> {
  const uid = process.getuid?.();
  if (uid === undefined) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      'The embedded PostgreSQL needs Linux or macOS; on Windows use WSL, or set DATABASE_URL',
    );
  }
  if (uid !== 0) {
    requirePasswdEntry(uid);
    return undefined;
  }
  const owner = await ownerOf(clusterDirectory);
  if (owner !== undefined && owner.uid !== 0) {
    return owner;
  }
  return (await lookUp('postgres')) ?? (await createPostgresUser(say));
}

/**
 * Check that an account can reach a directory and run a program: root's own directories are often closed to others.
 *
 * @throws PipelineError `EmbeddedServerFailed` that names the inaccessible directory
 */
export async function requireReachable(account: Account, directory: string, program: string): Promise<void> {
  try {
    await run('/bin/sh', ['-c', 'cd -- "$0" && exec "$1" --version', directory, program], {
      ...account,
      cwd: '/',
    });
  } catch (error) {
    const closed = (await firstClosed(account, directory)) ?? (await firstClosed(account, dirname(program)));
    if (closed === undefined) {
      throw new PipelineError(
        'EmbeddedServerFailed',
        `PostgreSQL cannot run as uid ${account.uid} in ${directory}: ${String(error)}`,
        {
          cause: error,
        },
      );
    }
    throw new PipelineError(
      'EmbeddedServerFailed',
      `PostgreSQL refuses to run as root, and uid ${account.uid}, which it would run as, cannot enter ${closed}; ` +
        `run this as a normal user, move it elsewhere, or run: chmod o+x ${closed}`,
      { cause: error },
    );
  }
}

function requirePasswdEntry(uid: number): void {
  try {
    userInfo();
  } catch (error) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      `User id ${uid} has no entry in /etc/passwd and PostgreSQL refuses to run without one; ` +
        'run as an existing user, add the entry, or set DATABASE_URL to your own PostgreSQL',
      { cause: error },
    );
  }
}

async function ownerOf(directory: string): Promise<Account | undefined> {
  try {
    const { uid, gid } = await stat(directory);
    return { uid, gid };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  }
}

async function lookUp(name: string): Promise<Account | undefined> {
  try {
    const [user, group] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(user.stdout), gid: Number(group.stdout) };
  } catch {
    return undefined;
  }
}

async function createPostgresUser(say: (line: string) => void): Promise<Account> {
  say('PostgreSQL refuses to run as root; creating the system user postgres for it');
  try {
    await run('useradd', [
      '--system',
      '--user-group',
      '--no-create-home',
      '--shell',
      '/bin/false',
      'postgres',
    ]);
  } catch (error) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      'PostgreSQL refuses to run as root and user postgres could not be created; run this as a normal user, ' +
        'create that user, or set DATABASE_URL',
      { cause: error },
    );
  }
  const account = await lookUp('postgres');
  if (account === undefined) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      'User postgres was created, but id does not find it; run this as a normal user',
    );
  }
  return account;
}

async function firstClosed(account: Account, directory: string): Promise<string | undefined> {
  const parent = dirname(directory);
  const above = parent === directory ? undefined : await firstClosed(account, parent);
  if (above !== undefined) {
    return above;
  }
  const { uid, gid, mode } = await stat(directory);
  const needed = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & needed) === 0 ? directory : undefined;
}
