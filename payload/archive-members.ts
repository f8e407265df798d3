import type { Header } from 'tar-stream';
import { PipelineError } from '../domain/failures/failures.ts';

const ignoredTypes = new Set([
  'directory',
  'pax-header',
  'pax-global-header',
  'gnu-long-link-path',
  'gnu-long-path',
]);

/** One sentence about an invalid archive: what is wrong and what to do. */
export function archiveProblem(what: string, cause?: unknown): PipelineError {
  return new PipelineError(
    'ManifestInvalid',
    `The payload archive ${what}; expected a tar.gz of manifest.json and CSV files; have the operator upload it again`,
    cause === undefined ? {} : { cause },
  );
}

/** The library's types promise a type, but an unknown flag comes out as null. */
function typeOf(header: { readonly type: Header['type'] | null }): Header['type'] | null {
  return header.type;
}

/** Is the member a plain file? Directories and tar's own header entries are skipped. */
export function isRegular(header: Header): boolean {
  const type = typeOf(header);
  return type === 'file' || type === 'contiguous-file' || type === null;
}

const manifestName = 'manifest.json';

/**
 * The name under which the manifest lists a member: a leading `../platform/`, which some packers write, is not part of
 * it. The manifest itself must be named exactly `manifest.json` (DOMAIN §1.1), so `./manifest.json` is a different
 * member.
 */
export function memberName({ name }: Pick<Header, 'name'>): string {
  const listed = name.replace(/^(?:\.\/)+/, '');
  return listed === manifestName ? name : listed;
}

/**
 * Refuse what a genuine operator never packs: links, devices, and names that escape the directory. Nothing is ever
 * extracted to a path built from a name; this only detects a tampered archive.
 *
 * @throws PipelineError `ManifestInvalid`
 */
export function checkMember(header: Header): void {
  const { name } = header;
  const type = typeOf(header);
  if (type !== null && ignoredTypes.has(type)) return;
  if (!isRegular(header))
    throw archiveProblem(`contains a member ${shown(name)} of type ${type ?? 'unknown'}`);
  const unsafe =
    name === '' ||
    name.startsWith('/') ||
    name.includes('\\') ||
    name.includes('\0') ||
    name.split('/').includes('..');
  if (unsafe) throw archiveProblem(`contains a member with the unsafe name ${shown(name)}`);
}

function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
