import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startTrino } from './trino-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    trinoUrl: string;
    lakeDirectory: string;
  }
}

/** One Trino for the whole run; every test file has a schema and a directory of its own in it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-trino-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const server = await startTrino(directory);
    project.provide('trinoUrl', server.url);
    project.provide('lakeDirectory', server.directory);
    return async () => {
      await server.stop();
      await remove();
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
