import type { TestProject } from 'vitest/node';
import { startTestServers } from './servers.ts';
import { currentBundle } from './workflow-bundle.ts';
import { createTemplateDatabase } from './template-database.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string;
    temporalAddress: string;
    templateDatabase: string;
    workflowBundlePath: string;
  }
}

/** One PostgreSQL and one Temporal for the whole run; every test file has its own database and namespace in them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await startTestServers();
  try {
    project.provide('postgresUrl', servers.postgresUrl);
    project.provide('temporalAddress', servers.temporalAddress);
    project.provide('templateDatabase', await createTemplateDatabase(servers.postgresUrl));
    project.provide('workflowBundlePath', await currentBundle());
  } catch (error) {
    await servers.stop();
    throw error;
  }
  return () => servers.stop();
}
