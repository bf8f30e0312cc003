import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';
import { type PathLike, addon } from '#/linux/addon.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { checkCall, errnoError } from '#/linux/errno-error.ts';

const pathOnly = 0o10000000;
const workingDirectory = -100;

/** How openat2(2) may resolve a path: linux/openat2.h. */
export const resolveNoCrossDevice = 0x01;
export const resolveNoMagicLinks = 0x02;
export const resolveNoSymlinks = 0x04;
/** Fails with EXDEV where the path would leave the directory. */
export const resolveBeneath = 0x08;
/** The directory is "/" to absolute links and "..". */
export const resolveInRoot = 0x10;

/**
 * Makes `path` the root of the whole process, all threads included, and its working directory. Load what lies outside
 * (the addon, modules) before.
 */
export function chroot(path: string): void {
  checkCall(addon().changeRoot(path), 'chroot', { path });
  forgetDirectory();
}

/** Changes the working directory of the whole process. */
export function fchdir(fd: number): void {
  checkCall(addon().fchdir(fd), 'fchdir');
  forgetDirectory();
}

/** Node remembers the working directory until its own chdir, which workers lack: so call these on the main thread. */
function forgetDirectory(): void {
  if (isMainThread) process.chdir('.');
}

/** A descriptor that stands for a directory without opening it for reading; `closeDescriptor` ends it. */
export function openPath(path: PathLike): number {
  return openat2({ path, flags: pathOnly | constants.O_DIRECTORY });
}

export interface OpenAt {
  /** A directory; the working directory when absent. */
  readonly dirfd?: number;
  readonly path: PathLike;
  /** O_… of node:fs constants; close-on-exec is always added. */
  readonly flags: number;
  /** Only with O_CREAT. */
  readonly mode?: number;
  /** resolve… above, or'ed. */
  readonly resolve?: number;
}

/** openat2(2): opens at most what the resolve flags allow, in one step that nobody can race. */
export function openat2({ dirfd = workingDirectory, path, flags, mode = 0, resolve = 0 }: OpenAt): number {
  return checkCall(addon().openAt(dirfd, path, flags, mode, resolve), 'openat2', { path });
}

/** A rename elsewhere in the tree makes the kernel give up on "..": tried again this often. */
const raceRetries = 16;
const again = -11;

/**
 * Opens a regular file or directory for reading as if `root` were "/", whatever links lie on the way. Anything else
 * (a FIFO, a device) is ENXIO and is never opened.
 */
export async function openInRoot(root: string, path: string): Promise<FileHandle> {
  const directory = openPath(root);
  let found: number | undefined;
  try {
    found = await resolvePath(directory, path);
    return await reopen(found, path);
  } finally {
    closeDescriptor(directory);
    if (found !== undefined) closeDescriptor(found);
  }
}

async function resolvePath(directory: number, path: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    const result = await addon().openAtAsync(directory, path, pathOnly, 0, resolveInRoot | resolveNoMagicLinks);
    if (result !== again || tries >= raceRetries) return checkCall(result, 'openat2', { path });
  }
}

/** From a descriptor that stands for a path to one that reads; what kind it is cannot change in between. */
async function reopen(fd: number, path: string): Promise<FileHandle> {
  const self = `/proc/self/fd/${fd}`;
  const stats = await stat(self);
  if (!stats.isFile() && !stats.isDirectory()) throw errnoError(-6, 'open', { path });
  return await open(self, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
}
