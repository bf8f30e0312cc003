import { constants, readSync, type BigIntStats } from 'node:fs';
import { isDirectory, linkTarget, type TreeFile } from '#/core/layers/child/file-status.ts';
import { openRegularFile } from '#/core/layers/child/open-regular-file.ts';
import { readXattrs } from '#/core/layers/child/xattrs.ts';

/** Whether two files are the same to a layer: type, owner, mode, time, device, attributes, link target and content. */
export function isSame(before: TreeFile, after: TreeFile): boolean {
  const [a, b] = [before.status, after.status];
  if (!haveSameOwnerAndMode(a, b) || a.mtimeNs !== b.mtimeNs) return false;
  if (isDirectory(a.mode)) return haveSameXattrs(before.path, after.path);
  if (a.size !== b.size) return false;
  // Both trees show one and the same inode, unchanged, when they share it through overlay mounts.
  if (a.ino === b.ino && a.ctimeNs === b.ctimeNs) return true;
  return haveSameXattrs(before.path, after.path) && haveSameContent(before, after);
}

/** Whether two roots are the same but for their times, which are never equal. */
export function isSameRoot(before: TreeFile, after: TreeFile): boolean {
  return haveSameOwnerAndMode(before.status, after.status) && haveSameXattrs(before.path, after.path);
}

function haveSameOwnerAndMode(a: BigIntStats, b: BigIntStats): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.rdev === b.rdev;
}

function haveSameXattrs(before: string, after: string): boolean {
  const a = readXattrs(before);
  const b = readXattrs(after);
  return a.size === b.size && a.entries().every(([name, value]) => b.get(name)?.equals(value) === true);
}

/**
 * A time with nanoseconds is taken for proof. One of whole seconds may come from an archive or from SOURCE_DATE_EPOCH,
 * so then the bytes decide.
 */
function haveSameContent(before: TreeFile, after: TreeFile): boolean {
  const type = Number(after.status.mode) & constants.S_IFMT;
  if (type === constants.S_IFLNK) return linkTarget(before.path) === linkTarget(after.path);
  if (type !== constants.S_IFREG || after.status.size === 0n) return true;
  return after.status.mtimeNs % 1_000_000_000n !== 0n || haveSameBytes(before.path, after.path);
}

const pieceSize = 64 * 1024;

function haveSameBytes(before: string, after: string): boolean {
  using a = openRegularFile(before);
  using b = openRegularFile(after);
  const [left, right] = [Buffer.alloc(pieceSize), Buffer.alloc(pieceSize)];
  for (;;) {
    const count = readSync(a.fd, left);
    if (readSync(b.fd, right) !== count || left.compare(right, 0, count, 0, count) !== 0) return false;
    if (count === 0) return true;
  }
}
