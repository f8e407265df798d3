import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aliases } from '../../../platform/config/aliases.ts';
import { configurationKeys, loadConfig } from '../../../platform/config/config.ts';
import { packageRoot } from '../../../platform/config/package-root.ts';

/** What an installation of Koku has, and the value of our setting that each stands for. */
const koku: Readonly<Record<string, { values: Record<string, string>; ours: unknown; other: string }>> = {
  DATABASE_URL: {
    values: {
      DATABASE_SERVICE_HOST: 'db.example.com',
      DATABASE_SERVICE_PORT: '15432',
      DATABASE_NAME: 'koku',
      DATABASE_USER: 'koku',
      DATABASE_PASSWORD: 'p@ss/w?rd#1%',
    },
    ours: 'postgresql://koku:p%40ss%2Fw%3Frd%231%25@db.example.com:15432/koku',
    other: 'postgresql://ours@127.0.0.1/ours',
  },
  KAFKA_BROKERS: {
    values: { INSIGHTS_KAFKA_HOST: 'kafka.example.com', INSIGHTS_KAFKA_PORT: '29092' },
    ours: ['kafka.example.com:29092'],
    other: '127.0.0.1:1',
  },
  OBJECT_STORE: { values: { REQUESTED_BUCKET: 'koku-bucket' }, ours: 's3://koku-bucket', other: 's3://ours' },
  ROS_BUCKET: { values: { REQUESTED_ROS_BUCKET: 'ros-data' }, ours: 'ros-data', other: 'ours' },
};

type Name = keyof ReturnType<typeof loadConfig>;
const read = (environment: Record<string, string>, name: string) => loadConfig(environment)[name as Name];

describe.each(aliases)('Koku has its names of $name', ({ name, from, optional = [] }) => {
  const { values = {}, ours, other = '' } = koku[name] ?? {};

  test('which stand for it, ours wins, and empty ones are none', () => {
    expect(Object.keys(values)).toEqual(from);
    expect(read(values, name)).toEqual(ours);
    expect(read({ ...values, [name]: ' ' }, name)).toEqual(ours);
    expect(read({ ...values, [name]: other }, name)).toEqual(read({ [name]: other }, name));
    const empty = Object.fromEntries(from.map((alias) => [alias, ' ']));
    expect(read(empty, name)).toBeUndefined();
  });

  test.each(from)('without %s', (lacking) => {
    const rest = Object.fromEntries(Object.entries(values).filter(([alias]) => alias !== lacking));
    if (optional.includes(lacking) || from.length === 1) {
      expect(() => loadConfig(rest)).not.toThrow();
      return;
    }
    expect(() => loadConfig(rest)).toThrow(
      `${name}: not set, and of the variables it can be made from ${lacking} is missing`,
    );
  });
});

test('without a port the database is at the usual one', () => {
  const values = { ...koku['DATABASE_URL']?.values, DATABASE_SERVICE_PORT: '' };
  expect(read(values, 'DATABASE_URL')).toBe(
    'postgresql://koku:p%40ss%2Fw%3Frd%231%25@db.example.com:5432/koku',
  );
});

describe('the database is the one that is meant, or none', () => {
  const values = koku['DATABASE_URL']?.values ?? {};
  test('at an IPv6 address', () => {
    expect(read({ ...values, DATABASE_SERVICE_HOST: 'fd00::5' }, 'DATABASE_URL')).toBe(
      'postgresql://koku:p%40ss%2Fw%3Frd%231%25@[fd00::5]:15432/koku',
    );
  });
  test.each([
    ['DATABASE_SERVICE_HOST', '/var/run/postgresql', 'a host name or an IP address'],
    ['DATABASE_SERVICE_HOST', 'db.example.com:5433', 'a host name or an IP address'],
    ['DATABASE_SERVICE_PORT', 'tcp://10.0.0.1:5432', 'the number of a port'],
    ['DATABASE_SERVICE_PORT', '65536', 'the number of a port'],
  ])('%s=%s is refused', (name, value, expected) => {
    expect(() => loadConfig({ ...values, [name]: value })).toThrow(
      `${name}: expected ${expected}; found "${value}"`,
    );
  });
});

/** Names of settings in a paragraph, without ours. */
function kokuNames(page: string, start: string): string[] {
  const text = readFileSync(join(packageRoot, page), 'utf8');
  const paragraph = text.slice(text.indexOf(start)).split('\n\n')[0] ?? '';
  const names = [...paragraph.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name = '']) => name);
  return names.filter((name) => !configurationKeys.includes(name)).sort();
}

test.each([
  ['README.md', 'Where ours are not set, names of existing Koku installations count'],
  ['docs/next-to-koku.md', "Let Koku's own migrations run first."],
])('%s names every one of them, and no other', (page, start) => {
  expect(kokuNames(page, start)).toEqual(aliases.flatMap(({ from }) => from).sort());
});
