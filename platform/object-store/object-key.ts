import { ObjectKeyInvalid } from './object-store.ts';

/** Folder of a directory store where bodies are written before they are renamed; no key may start with it. */
export const incomingFolder = '.incoming';

const maxKeyBytes = 1024; // S3's limit for a whole key
const maxSegmentBytes = 255; // the limit of Linux file systems for one name
// S3's XML listings cannot represent control characters, and UTF-8 cannot represent unpaired surrogates.
const unsafeCharacters = /[\u0000-\u001f\u007f\\\p{Surrogate}]/u;

/**
 * What is wrong with a key, or undefined. Buckets and directories have the same rules, so that objects can be moved
 * between them.
 */
function problemOf(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (Buffer.byteLength(key) > maxKeyBytes)
    return `it has ${Buffer.byteLength(key)} bytes, at most ${maxKeyBytes} are allowed`;
  if (unsafeCharacters.test(key))
    return 'it contains a control character, a backslash or an unpaired surrogate';
  const segments = key.split('/');
  if (segments[0] === incomingFolder) return `the folder ${incomingFolder} is reserved`;
  for (const segment of segments) {
    if (segment === '') return 'it starts or ends with "/" or contains "//"';
    if (segment === '.' || segment === '..') return `"${segment}" is not a valid name`;
    if (Buffer.byteLength(segment) > maxSegmentBytes)
      return `a name between slashes is longer than ${maxSegmentBytes} bytes`;
  }
  return undefined;
}

/** Whether `assertObjectKey` accepts this key. */
export function isObjectKey(key: string): boolean {
  return problemOf(key) === undefined;
}

/**
 * Check a key: names separated by single slashes, at most 1024 bytes in total and 255 per name; no `.` or `..`, no
 * backslash and no control character; not below `.incoming`.
 *
 * @throws ObjectKeyInvalid naming the violated rule
 */
export function assertObjectKey(key: string): void {
  const problem = problemOf(key);
  if (problem !== undefined)
    throw new ObjectKeyInvalid(
      `Object key ${JSON.stringify(key.slice(0, 200))} cannot be used: ${problem}; use names separated by single slashes`,
    );
}

/**
 * Check a prefix for listing: empty, or the beginning of a key; it may end in "/" or within a name.
 *
 * @throws ObjectKeyInvalid naming the violated rule
 */
export function assertObjectPrefix(prefix: string): void {
  if (prefix === '') return;
  // Completed by one letter, a prefix that can begin a key is itself a key.
  const problem = problemOf(`${prefix}x`);
  if (problem !== undefined)
    throw new ObjectKeyInvalid(
      `Object prefix ${JSON.stringify(prefix.slice(0, 200))} cannot be used: ${problem}; use the beginning of a key`,
    );
}
