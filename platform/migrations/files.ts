import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../config/package-root.ts';

/** Directories that define the schemas. Each holds plain `.sql` files directly, ordered by name. */
export interface SchemaSources {
  /** Numbered migrations of the schema `public`. */
  publicMigrations: string;
  /** Numbered migrations of every tenant schema. */
  tenantMigrations: string;
  /** Repeatable definitions (functions, views) of every tenant schema. */
  definitions: string;
}

/** The directories shipped with this program, next to its package.json. */
export const shippedSources: SchemaSources = {
  publicMigrations: join(packageRoot, 'migrations', 'public'),
  tenantMigrations: join(packageRoot, 'migrations', 'tenant'),
  definitions: join(packageRoot, 'sql', 'functions'),
};

/** One repeatable definition: a file that can be run again whenever its text changes. */
export interface RepeatableDefinition {
  /** File name without directory, for example `010_enabled_keys.sql`. */
  name: string;
  text: string;
  /** SHA-256 of the text, hexadecimal. */
  checksum: string;
}

/** Names of the migrations in a directory, without `.sql`, in the order they are applied. */
export function migrationNames(directory: string): string[] {
  return sqlFiles(directory).map((file) => basename(file, '.sql'));
}

/** All repeatable definitions in a directory, in the order they are applied. */
export function readDefinitions(directory: string): RepeatableDefinition[] {
  return sqlFiles(directory).map((name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    return { name, text, checksum: sha256(text) };
  });
}

/** One checksum over a set of definitions; it changes if any name or text changes. */
export function definitionsChecksum(definitions: readonly RepeatableDefinition[]): string {
  return sha256(definitions.map((definition) => `${definition.name}:${definition.checksum}\n`).join(''));
}

function sqlFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .sort((a, b) => (a < b ? -1 : 1));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
