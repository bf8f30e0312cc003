/**
 * What unpacking an archive needs, one kernel visit per entry and all of it synchronous: for the unpack child, which is
 * chrooted into the tree, never for the daemon's event loop. Paths may be bytes, since names in archives may be.
 */
import { type PathLike, addon } from '#/linux/addon.ts';
import { errnoError } from '#/linux/errno-error.ts';

export interface Attributes {
  /** Permission bits with set-user-id, set-group-id and sticky; type bits are ignored. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Modification time: whole seconds since 1970, which may be negative, and the nanoseconds after them. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

function check(result: number, syscall: string, path: PathLike): number {
  if (result < 0) throw errnoError(result, syscall, { path: textOf(path) });
  return result;
}

function textOf(path: PathLike): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString();
}

/** A new file to write into (EEXIST when anything is there, EMFILE…); `finishFile` ends it. */
export function createFile(path: PathLike): number {
  return check(addon().createFile(path), 'open', path);
}

/** Gives the file its attributes and closes it, also on failure. */
export function finishFile(fd: number, { mode, uid, gid, seconds, nanoseconds }: Attributes): void {
  const result = addon().finishFile(fd, mode, uid, gid, seconds, nanoseconds);
  if (result < 0) throw errnoError(result, 'fchown');
}

/** A new file with content and attributes in one call; `data` may lie in shared memory. EEXIST when anything is there. */
export function writeFileWhole(path: PathLike, attributes: Attributes, data: Uint8Array): void {
  const { mode, uid, gid, seconds, nanoseconds } = attributes;
  check(addon().writeFileWhole(path, mode, uid, gid, seconds, nanoseconds, data), 'open', path);
}

/** A new directory. What is made in it later moves its time on: set it again at the end. */
export function makeDirectory(path: PathLike, { mode, uid, gid, seconds, nanoseconds }: Attributes): void {
  check(addon().makeDirectory(path, mode, uid, gid, seconds, nanoseconds), 'mkdir', path);
}

/** A new symbolic link; `mode` is ignored, links have none. */
export function makeSymlink(target: PathLike, path: PathLike, attributes: Attributes): void {
  const { mode, uid, gid, seconds, nanoseconds } = attributes;
  check(addon().makeSymlink(target, path, mode, uid, gid, seconds, nanoseconds), 'symlink', path);
}

/** A second name for `existing`, which is not followed when it is a symbolic link. */
export function hardLink(existing: PathLike, path: PathLike): void {
  const result = addon().hardLink(existing, path);
  if (result < 0) throw errnoError(result, 'link', { path: textOf(existing), dest: textOf(path) });
}

/** Owner, mode (unless it is a symbolic link) and times of what is there, links not followed. */
export function lchownMode(path: PathLike, { mode, uid, gid, seconds, nanoseconds }: Attributes): void {
  check(addon().setAttributes(path, mode, uid, gid, seconds, nanoseconds), 'lchown', path);
}
