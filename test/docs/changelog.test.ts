import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { rooms } from '../../scripts/rooms.mjs';

interface Section {
  heading: string;
  lines: number;
}

/** Sections of a changelog, newest first, and how many points each has. */
function sectionsOf(changelog: string): Section[] {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      heading: part.slice(0, part.indexOf('\n')),
      lines: part.split('\n').filter((line) => line.startsWith('- ')).length,
    }));
}

const numbersOf = (version: string) => version.split('.').map(Number);
const isNewer = (one: string, other: string): boolean => {
  const [a, b] = [numbersOf(one), numbersOf(other)];
  const index = a.findIndex((number, place) => number !== b[place]);
  return index >= 0 && (a[index] ?? 0) > (b[index] ?? 0);
};

/**
 * What is wrong with a changelog; undefined when nothing is. A release has the version of package.json and nothing
 * unreleased; everything after it has at least one point under "Unreleased", and a greater version.
 */
function problemOf(changelog: string, version: string, changedSinceRelease: boolean): string | undefined {
  const [unreleased, ...released] = sectionsOf(changelog);
  if (unreleased?.heading !== 'Unreleased') return 'the first section is not "Unreleased"';
  const odd = released.find(({ heading }) => !/^\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)$/.test(heading));
  if (odd !== undefined) return `"${odd.heading}" is not like "0.2.0 (2026-12-01)"`;
  if (released.some(({ lines }) => lines === 0)) return 'a version has no points';
  const versions = released.map(({ heading }) => heading.split(' ')[0] ?? '');
  if (versions.some((one, index) => index > 0 && !isNewer(versions[index - 1] ?? '', one)))
    return 'versions are not in order, the newest first';
  const isRelease = versions[0] === version;
  if (!isRelease && versions[0] !== undefined && !isNewer(version, versions[0]))
    return `package.json has ${version}, which is not newer than ${versions[0]}`;
  if (isRelease && changedSinceRelease)
    return `source has changed since v${version}: raise the version of package.json`;
  if (isRelease && unreleased.lines > 0)
    return `points under "Unreleased" although package.json has ${version}`;
  if (!isRelease && unreleased.lines === 0) return 'nothing is said under "Unreleased"';
  return undefined;
}

/** Folders of what an operator runs. */
const shipped = new Set([...rooms.map(({ name }) => name.split('/')[0] ?? ''), 'sql', 'migrations']);

/** Whether the tag of a version is here and source differs from it; a clone without tags does not know. */
function changedSince(version: string): boolean {
  const git = (...given: string[]) =>
    execFileSync('git', ['-C', packageRoot, ...given], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    return git('diff', '--name-only', `v${version}`, '--', ...shipped) !== '';
  } catch {
    return false;
  }
}

test('CHANGELOG.md says what has changed since the last version', () => {
  const changelog = readFileSync(join(packageRoot, 'CHANGELOG.md'), 'utf8');
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(problemOf(changelog, version, changedSince(version))).toBeUndefined();
});

const before = '# Changelog\n\n## Unreleased\n\n';
const release = '## 0.2.0 (2026-12-01)\n\n- a\n\n## 0.1.0 (2026-11-01)\n\n- b\n';

test.for([
  ['work on the first version', `${before}- a\n`, '0.1.0', false, undefined],
  ['a release', `${before}${release}`, '0.2.0', false, undefined],
  ['work after it', `${before}- c\n\n${release}`, '0.2.1', true, undefined],
  ['work of ten versions later', `${before}- c\n\n${release}`, '0.10.0', true, undefined],
  ['nothing said', `${before}${release}`, '0.2.1', true, 'nothing is said under "Unreleased"'],
  ['no sections', '# Changelog\n', '0.1.0', false, 'the first section is not "Unreleased"'],
  ['no section for it', `# Changelog\n\n${release}`, '0.2.0', false, 'the first section is not "Unreleased"'],
  [
    'work under a released version',
    `${before}${release}`,
    '0.2.0',
    true,
    'source has changed since v0.2.0: raise the version of package.json',
  ],
  [
    'a point too late',
    `${before}- c\n\n${release}`,
    '0.2.0',
    false,
    'points under "Unreleased" although package.json has 0.2.0',
  ],
  [
    'an older version',
    `${before}- c\n\n${release}`,
    '0.1.9',
    false,
    'package.json has 0.1.9, which is not newer than 0.2.0',
  ],
  [
    'no date',
    `${before}- c\n\n## 0.1.0\n\n- a\n`,
    '0.2.0',
    false,
    '"0.1.0" is not like "0.2.0 (2026-12-01)"',
  ],
  ['an empty version', `${before}- c\n\n## 0.1.0 (2026-11-01)\n`, '0.2.0', false, 'a version has no points'],
  [
    'a wrong order',
    `${before}- c\n\n## 0.1.0 (2026-11-01)\n\n- a\n\n## 0.2.0 (2026-12-01)\n\n- b\n`,
    '0.3.0',
    false,
    'versions are not in order, the newest first',
  ],
] as const)('%s', ([, changelog, version, changed, problem]) => {
  expect(problemOf(changelog, version, changed)).toBe(problem);
});
