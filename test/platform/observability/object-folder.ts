import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { atEnd } from '../../support/at-end.ts';

/** An empty object store in a directory, as its address; it goes with the file's tests. */
export async function createObjectFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-objects-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return pathToFileURL(directory).href;
}
