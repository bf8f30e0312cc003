import { type PathLike, addon } from '#/linux/addon.ts';
import { checkCall, errnoError } from '#/linux/errno-error.ts';

/** Extended attributes of the path itself: symbolic links are never followed. At most 64 KiB each, the kernel's limit. */

/** ENODATA when there is none of that name. */
export async function lgetxattr(path: PathLike, name: string): Promise<Buffer> {
  return valueOf(await addon().lgetxattrAsync(path, name), 'lgetxattr', path);
}

export function lgetxattrSync(path: PathLike, name: string): Buffer {
  return valueOf(addon().lgetxattr(path, name), 'lgetxattr', path);
}

export async function lsetxattr(path: PathLike, name: string, value: Uint8Array): Promise<void> {
  checkCall(await addon().lsetxattrAsync(path, name, value, 0), 'lsetxattr', { path });
}

export function lsetxattrSync(path: PathLike, name: string, value: Uint8Array): void {
  checkCall(addon().lsetxattr(path, name, value, 0), 'lsetxattr', { path });
}

/** The names, in no order. */
export async function llistxattr(path: PathLike): Promise<string[]> {
  return namesIn(valueOf(await addon().llistxattrAsync(path), 'llistxattr', path));
}

export function llistxattrSync(path: PathLike): string[] {
  return namesIn(valueOf(addon().llistxattr(path), 'llistxattr', path));
}

export async function lremovexattr(path: PathLike, name: string): Promise<void> {
  checkCall(await addon().lremovexattrAsync(path, name), 'lremovexattr', { path });
}

export function lremovexattrSync(path: PathLike, name: string): void {
  checkCall(addon().lremovexattr(path, name), 'lremovexattr', { path });
}

function valueOf(result: Buffer | number, syscall: string, path: PathLike): Buffer {
  if (typeof result === 'number') throw errnoError(result, syscall, { path });
  return result;
}

function namesIn(list: Buffer): string[] {
  return list
    .toString()
    .split('\0')
    .filter((name) => name !== '');
}
