/** Where a dropped file is: dropped, followed, or finished. The names are those of the folders. */
export type Box = 'incoming' | 'processing' | 'done' | 'failed';

/** The folders below a place; what is dropped lies beside them. */
export const ownFolders: readonly Box[] = ['processing', 'done', 'failed'];

/** A file in a box. */
export interface DroppedFile {
  name: string;
  /** differs as soon as the file is written to or replaced */
  version: string;
  byteCount: number;
  /** why it cannot be taken, whatever is done to its content: the rest of a sentence about it */
  problem?: string;
}

/** What a file that is moved has to be. */
export interface Moved {
  file: DroppedFile;
  from: Box;
  to: Box;
  /** the name there, from {@link DropPlace.freeName} */
  name: string;
  /** of its bytes, hexadecimal; undefined: not known */
  sha256: string | undefined;
}

/** A folder, of a file system or of a bucket, into which payloads are dropped. */
export interface DropPlace {
  /** for people, without credentials */
  readonly location: string;
  /** whether a file that is moved keeps its version */
  readonly keepsVersions: boolean;

  /**
   * Check that files can be taken from it and moved inside it, and create what is missing.
   *
   * @throws PipelineError `ConfigInvalid` if they cannot
   */
  open(): Promise<void>;

  /** Files directly in a box, in the order in which they were dropped. */
  list(box: Box): Promise<DroppedFile[]>;

  /**
   * The bytes of a file. They are those of this version: a file that is written to meanwhile fails at its end.
   *
   * @throws FileProblem if it has gone, has changed or cannot be read
   */
  read(box: Box, file: DroppedFile): AsyncIterable<Uint8Array>;

  /** A name for a file in a box: its own, or with a number behind it if that is taken by another file. */
  freeName(box: Box, file: DroppedFile, sha256: string | undefined): Promise<string>;

  /** @returns `gone` if somebody else moved it; `changed` if it is not the file that is meant: nothing was moved */
  move(moved: Moved): Promise<'moved' | 'gone' | 'changed'>;

  /** Put a note beside a file, or replace it. */
  writeNote(box: Box, fileName: string, text: string): Promise<void>;

  /** Remove the note of a file that is not there. */
  removeNote(box: Box, fileName: string): Promise<void>;
}

/** A place, or the parent of places: one for each organisation. */
export interface DropRoot {
  readonly location: string;
  /** @throws PipelineError `ConfigInvalid` if it does not exist or cannot be read */
  check(): Promise<void>;
  /** names of the folders in it, ours and hidden ones left out; and whether there are files beside them */
  look(): Promise<{ folders: string[]; looseFiles: string[] }>;
  /** @param folder undefined: the root itself */
  place(folder: string | undefined): DropPlace;
}

/** Why a file could not be read; no server is at fault. */
export class FileProblem extends Error {
  readonly kind: 'gone' | 'changed' | 'unreadable';

  constructor(kind: FileProblem['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Names that are never taken: hidden files, uploads in progress, and notes. */
export function isLeftAlone(name: string): boolean {
  return /^\.|\.(part|tmp|txt)$/i.test(name);
}

/** Longest name, in bytes, that leaves room for a number and for the name of its note. */
export const maxNameBytes = 240;

/** Name of the note beside a file. */
export function noteName(fileName: string): string {
  return `${fileName}.txt`;
}

/** Candidates for a free name: `a.tar.gz`, `a-2.tar.gz`, `a-3.tar.gz`, … */
export function* numberedNames(name: string): Generator<string> {
  yield name;
  const at = name.search(/(\.tar\.gz|\.tgz|\.[^.]{1,10})$/i);
  const [stem, ending] = at > 0 ? [name.slice(0, at), name.slice(at)] : [name, ''];
  for (let number = 2; ; number += 1) yield `${stem}-${number}${ending}`;
}
