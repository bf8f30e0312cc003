import { type PathLike, addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

export interface Device {
  readonly major: number;
  readonly minor: number;
}

const fifoType = 0o010000;

/**
 * Makes a special file: `mode` has the type bits (S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK) and the permissions, to which
 * the umask does not apply. EEXIST when anything is there.
 */
export async function mknod(path: PathLike, mode: number, { major, minor }: Device = noDevice): Promise<void> {
  checkCall(await addon().makeNodeAsync(path, mode, major, minor), 'mknod', { path });
}

export function mknodSync(path: PathLike, mode: number, { major, minor }: Device = noDevice): void {
  checkCall(addon().makeNode(path, mode, major, minor), 'mknod', { path });
}

export async function mkfifo(path: PathLike, mode: number): Promise<void> {
  checkCall(await addon().makeNodeAsync(path, fifoType | mode, 0, 0), 'mkfifo', { path });
}

export function mkfifoSync(path: PathLike, mode: number): void {
  checkCall(addon().makeNode(path, fifoType | mode, 0, 0), 'mkfifo', { path });
}

const noDevice: Device = { major: 0, minor: 0 };
