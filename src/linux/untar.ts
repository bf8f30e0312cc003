/**
 * What unpacking an archive needs, one kernel visit per entry and all of it synchronous: for the unpack child, which is
 * chrooted into the tree, never for the daemon's event loop. Paths may be bytes, since names in archives may be.
 */
import { type PathLike, addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

export interface Attributes {
  /** Permission bits with set-user-id, set-group-id and sticky; type bits are ignored. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Modification time: whole seconds since 1970, which may be negative, and the nanoseconds after them. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A new file to write into (EEXIST when anything is there, EMFILE…); `finishFile` ends it. */
export function createFile(path: PathLike): number {
  return checkCall(addon().createFile(path), 'open', { path });
}

/** Gives the file its attributes and closes it, also on failure. */
export function finishFile(fd: number, { mode, uid, gid, seconds, nanoseconds }: Attributes): void {
  checkCall(addon().finishFile(fd, mode, uid, gid, seconds, nanoseconds), 'fchown');
}

/** A new file with content and attributes in one call; `data` may lie in shared memory. EEXIST when anything is there. */
export function writeFileWhole(path: PathLike, attributes: Attributes, data: Uint8Array): void {
  const { mode, uid, gid, seconds, nanoseconds } = attributes;
  checkCall(addon().writeFileWhole(path, mode, uid, gid, seconds, nanoseconds, data), 'open', { path });
}

/** A new directory. What is made in it later moves its time on: set it again at the end. */
export function makeDirectory(path: PathLike, { mode, uid, gid, seconds, nanoseconds }: Attributes): void {
  checkCall(addon().makeDirectory(path, mode, uid, gid, seconds, nanoseconds), 'mkdir', { path });
}

/** A new symbolic link; `mode` is ignored, links have none. */
export function makeSymlink(target: PathLike, path: PathLike, attributes: Attributes): void {
  const { mode, uid, gid, seconds, nanoseconds } = attributes;
  checkCall(addon().makeSymlink(target, path, mode, uid, gid, seconds, nanoseconds), 'symlink', { path });
}

/** A second name for `existing`, which is not followed when it is a symbolic link. */
export function hardLink(existing: PathLike, path: PathLike): void {
  checkCall(addon().hardLink(existing, path), 'link', { path: existing, dest: path });
}

/** Owner, mode (unless it is a symbolic link) and times of what is there, links not followed. */
export function lchownMode(path: PathLike, { mode, uid, gid, seconds, nanoseconds }: Attributes): void {
  checkCall(addon().setAttributes(path, mode, uid, gid, seconds, nanoseconds), 'lchown', { path });
}
