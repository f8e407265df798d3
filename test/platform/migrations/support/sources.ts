import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { shippedSources } from '../../../../platform/migrations/files.ts';
import type { SchemaSources } from '../../../../platform/migrations/files.ts';

/** A copy of the shipped migrations below `directory` that a test may add to, and a folder of no definitions yet. */
export function copySources(directory: string): SchemaSources {
  const sources = {
    publicMigrations: join(directory, 'public'),
    tenantMigrations: join(directory, 'tenant'),
    definitions: join(directory, 'functions'),
  };
  cpSync(shippedSources.publicMigrations, sources.publicMigrations, { recursive: true });
  cpSync(shippedSources.tenantMigrations, sources.tenantMigrations, { recursive: true });
  mkdirSync(sources.definitions);
  return sources;
}
