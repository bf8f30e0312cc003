/**
 * The marks by which overlayfs knows what an upper layer hides. The kernel makes them itself in a mounted tree; by hand
 * they are made where a layer is unpacked without those below it.
 */
import { constants, unlinkSync, type BigIntStats } from 'node:fs';
import { isDirectory, pathBytes, statusOf } from '#/core/layers/child/file-status.ts';
import { mknodSync } from '#/linux/mknod.ts';
import { lsetxattrSync } from '#/linux/xattr.ts';

const opaque = 'trusted.overlay.opaque';

/** Hides a name of the layers below; what this layer itself has put there stays, a directory as all there is in it. */
export function markHidden(path: string): void {
  const status = statusOf(path);
  if (status === undefined) mknodSync(pathBytes(path), constants.S_IFCHR, { major: 0, minor: 0 });
  else if (isDirectory(status.mode)) markOpaque(path);
}

/** Hides whatever the layers below have in a directory. */
export function markOpaque(path: string): void {
  lsetxattrSync(pathBytes(path), opaque, Buffer.from('y'));
}

export function isMark({ mode, rdev }: Pick<BigIntStats, 'mode' | 'rdev'>): boolean {
  return (Number(mode) & constants.S_IFMT) === constants.S_IFCHR && rdev === 0n;
}

export function removeMark(path: string): void {
  unlinkSync(pathBytes(path));
}
