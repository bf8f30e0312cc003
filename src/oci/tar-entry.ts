import type { Nanoseconds } from '#/base/clock.ts';

export type TarEntryType =
  | 'file'
  | 'hard-link'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo';

/**
 * One member of an archive. Names are byte strings: each character is one byte of the name, so that a name in any
 * charset survives; ASCII names are simply themselves. `decodeName` and `encodeName` turn them into text and bytes.
 */
export interface TarEntry {
  readonly type: TarEntryType;
  /** As the archive says it: possibly absolute, with `.` or `..` in it, or with a slash at its end. */
  readonly name: string;
  /** Target of a hard or symbolic link, else ''. */
  readonly linkName: string;
  /** Permission bits with set-id and sticky bits, without the file type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file, holes included; 0 for every other type. */
  readonly size: number;
  readonly modified: Nanoseconds;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

export const tarBlockSize = 512;

/** The name as text, for people and for UTF-8 file systems; bytes that are not UTF-8 become U+FFFD. */
export function decodeName(name: string): string {
  return isAscii(name) ? name : Buffer.from(name, 'latin1').toString('utf8');
}

/** The bytes of a name; plain ASCII stays a string, which is the same to every system call and cheaper. */
export function encodeName(name: string): string | Uint8Array {
  return isAscii(name) ? name : Buffer.from(name, 'latin1');
}

/** The byte string of a text. */
export function nameOf(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** A byte string of bytes. */
export function byteString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** The name as an error message shows it. */
export function quoteName(name: string): string {
  const text = decodeName(name);
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

/** How many zero bytes follow `size` bytes of content. */
export function tarPadding(size: number): number {
  const rest = size % tarBlockSize;
  return rest === 0 ? 0 : tarBlockSize - rest;
}
