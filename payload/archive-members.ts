import type { Header } from 'tar-stream';
import { PipelineError } from '../domain/failures/failures.ts';

const ignoredTypes = new Set([
  'directory',
  'pax-header',
  'pax-global-header',
  'gnu-long-link-path',
  'gnu-long-path',
]);

/** One sentence about an archive that cannot be taken: what is wrong and what to do. */
export function archiveProblem(what: string, cause?: unknown): PipelineError {
  return new PipelineError(
    'ManifestInvalid',
    `The payload archive ${what}; expected a tar.gz of manifest.json and CSV files: have the operator upload it again`,
    cause === undefined ? {} : { cause },
  );
}

/** The library's types promise a type, but a flag that it does not know comes out as null. */
function typeOf(header: { readonly type: Header['type'] | null }): Header['type'] | null {
  return header.type;
}

/** Is the member a plain file? Directories and tar's own header entries are passed over. */
export function isRegular(header: Header): boolean {
  const type = typeOf(header);
  return type === 'file' || type === 'contiguous-file' || type === null;
}

const manifestName = 'manifest.json';

/**
 * The name that the manifest lists a member under: a leading `../platform/`, which some packers write, is no part of it. The
 * manifest itself must be named exactly `manifest.json` (DOMAIN §1.1), so `./manifest.json` stays another member.
 */
export function memberName({ name }: Pick<Header, 'name'>): string {
  const listed = name.replace(/^(?:\.\/)+/, '');
  return listed === manifestName ? name : listed;
}

/**
 * Refuse what an honest operator never packs: links, devices, and names that would lead out of a directory.
 * Nothing is ever extracted to a path built from a name; this tells a tampered archive from a good one.
 *
 * @throws PipelineError `ManifestInvalid`
 */
export function checkMember(header: Header): void {
  const { name } = header;
  const type = typeOf(header);
  if (type !== null && ignoredTypes.has(type)) return;
  if (!isRegular(header)) throw archiveProblem(`has a member ${shown(name)} of type ${type ?? 'unknown'}`);
  const unsafe =
    name === '' ||
    name.startsWith('/') ||
    name.includes('\\') ||
    name.includes('\0') ||
    name.split('/').includes('..');
  if (unsafe) throw archiveProblem(`has a member with the unsafe name ${shown(name)}`);
}

function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
