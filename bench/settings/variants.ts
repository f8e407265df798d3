import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../platform/config/package-root.ts';

/** Server settings that are tried against PostgreSQL's own. */
export interface Variant {
  /** for people */
  name: string;
  settings: Readonly<Record<string, string>>;
}

/** PostgreSQL as it comes: what the others are measured against. */
export const stock: Variant = { name: 'stock', settings: {} };

/** These two are one decision. */
const together = [['max_wal_size', 'min_wal_size']];
/** Autovacuum acts over days: nothing of it is to be seen in a few payloads. */
const notSeen = 'autovacuum_';

/**
 * The settings that docker-compose.yml recommends.
 * @throws Error when its PostgreSQL has none
 */
export async function recommendedSettings(): Promise<Record<string, string>> {
  const compose = parse(await readFile(join(packageRoot, 'docker-compose.yml'), 'utf8')) as {
    services?: { postgres?: { command?: string[] } };
  };
  const settings = Object.fromEntries(
    (compose.services?.postgres?.command ?? []).flatMap((argument) => {
      const [, name, value] = /^-c(\w+)=(.*)$/.exec(argument) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
  if (Object.keys(settings).length === 0)
    throw new Error(
      'docker-compose.yml: expected settings (-cNAME=VALUE) in the command of postgres, found none',
    );
  return settings;
}

/** The settings on a server whose build may lack a method of compressing the WAL: PostgreSQL's own takes its place. */
export function asBuilt(
  settings: Readonly<Record<string, string>>,
  methods: readonly string[],
): Readonly<Record<string, string>> {
  const { wal_compression: method } = settings;
  return method === undefined || methods.includes(method)
    ? settings
    : { ...settings, wal_compression: 'pglz' };
}

/** All settings together and, when wanted, each on top of PostgreSQL's own. */
export function variantsOf(recommended: Readonly<Record<string, string>>, each: boolean): Variant[] {
  const all = { name: 'all recommended', settings: recommended };
  if (!each) return [all];
  const names = Object.keys(recommended).filter((name) => !name.startsWith(notSeen));
  const groups = names.flatMap((name) => {
    const group = together.find((members) => members.includes(name)) ?? [name];
    return group[0] === name ? [group.filter((member) => names.includes(member))] : [];
  });
  return [
    all,
    ...groups.map((group) => {
      const settings = Object.fromEntries(group.map((name) => [name, recommended[name] ?? '']));
      return { name: group.map((name) => `${name} ${settings[name] ?? ''}`).join(', '), settings };
    }),
  ];
}
