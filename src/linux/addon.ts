import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { EngineError } from '#/base/errors.ts';

/** A path: text, or bytes for names that are not UTF-8. */
export type PathLike = string | Uint8Array;

/** A result, or -errno. */
type Result = number;

/** A promise, or -errno at once when an argument is wrong. */
type Pending<T = Result> = Promise<T> | Result;

/** The functions of native/addon, as they are: only the small files of src/linux call them. */
export interface Addon {
  mountPathAsync(source: string, target: string, type: string, flags: number, data: string, directory: string): Pending;
  unmountPathAsync(target: string, flags: number): Pending;
  openUserNamespaceAsync(uids: string, gids: string): Pending;
  cloneMappedAsync(source: string, target: string, namespace: number, recursive: number, attributes: number): Pending;
  makeMountAsync(type: string, attributes: number, config: Uint8Array): Pending;
  attachMountAsync(mount: number, target: string): Pending;

  spawnProcess(
    file: string,
    args: Uint8Array,
    env: Uint8Array,
    directory: string,
    stdio: Int32Array,
    flags: number,
    pidfd: Int32Array,
  ): Result;
  watchExit(pidfd: number, keepAlive: number, callback: (code: number, signal: number) => void): Result;
  signalPidfd(pidfd: number, signal: number): Result;
  makePipe(ends: Int32Array): Result;
  closeDescriptor(fd: number): Result;

  lgetxattr(path: PathLike, name: string): Buffer | Result;
  lgetxattrAsync(path: PathLike, name: string): Pending<Buffer | Result>;
  lsetxattr(path: PathLike, name: string, value: Uint8Array, flags: number): Result;
  lsetxattrAsync(path: PathLike, name: string, value: Uint8Array, flags: number): Pending;
  llistxattr(path: PathLike): Buffer | Result;
  llistxattrAsync(path: PathLike): Pending<Buffer | Result>;
  lremovexattr(path: PathLike, name: string): Result;
  lremovexattrAsync(path: PathLike, name: string): Pending;

  makeNode(path: PathLike, mode: number, major: number, minor: number): Result;
  makeNodeAsync(path: PathLike, mode: number, major: number, minor: number): Pending;
  setTimes(path: PathLike, accessed: number, accessedNs: number, modified: number, modifiedNs: number): Result;
  setTimesAsync(path: PathLike, accessed: number, accessedNs: number, modified: number, modifiedNs: number): Pending;

  createFile(path: PathLike): Result;
  finishFile(fd: number, mode: number, uid: number, gid: number, seconds: number, nanoseconds: number): Result;
  writeFileWhole(
    path: PathLike,
    mode: number,
    uid: number,
    gid: number,
    seconds: number,
    nanoseconds: number,
    data: Uint8Array,
  ): Result;
  makeDirectory(path: PathLike, mode: number, uid: number, gid: number, seconds: number, nanoseconds: number): Result;
  setAttributes(path: PathLike, mode: number, uid: number, gid: number, seconds: number, nanoseconds: number): Result;
  makeSymlink(
    target: PathLike,
    path: PathLike,
    mode: number,
    uid: number,
    gid: number,
    seconds: number,
    nanoseconds: number,
  ): Result;
  hardLink(existing: PathLike, path: PathLike): Result;

  changeRoot(path: string): Result;
  fchdir(fd: number): Result;
  openAt(directory: number, path: PathLike, flags: number, mode: number, resolve: number): Result;
  openAtAsync(directory: number, path: PathLike, flags: number, mode: number, resolve: number): Pending;

  syncFileSystemAsync(path: string): Pending;
  lockExclusive(fd: number): Result;
  peerCredentials(fd: number, identity: Uint32Array): Result;
  sendDatagram(name: Uint8Array, message: Uint8Array): Result;
  trimMemory(): Result;
  trimMemoryAsync(): Pending;
  probeNftablesAsync(): Pending;
  /** 1 when there is more to delete, 0 when all is gone. */
  removeSomeAsync(path: PathLike, entries: number): Pending;

  loopAttachAsync(path: string, readOnly: number, tag: string): Pending;
  loopSetAutoclear(fd: number, on: number): Result;
  loopTag(fd: number, tag: Uint8Array): Result;
}

let loaded: Addon | undefined;

/**
 * The addon, loaded at the first call: `BERTH_ADDON` names the file, else it lies beside the bundle, else in `build/` of
 * the repository. A process that changes its root must call this before.
 */
export function addon(): Addon {
  loaded ??= loadAddon(findAddon());
  return loaded;
}

function findAddon(): string {
  const named = process.env['BERTH_ADDON'];
  if (named !== undefined && named !== '') return resolve(named);
  const places = ['berth.node', '../berth.node', '../build/berth.node', '../../build/berth.node'].map((place) =>
    join(import.meta.dirname, place),
  );
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new EngineError(
    'failed-precondition',
    `Cannot find the native part berth.node in any of ${places.map((place) => `"${place}"`).join(', ')}; run "make -C native addon", or name the file by BERTH_ADDON`,
  );
}

function loadAddon(path: string): Addon {
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    throw new EngineError(
      'failed-precondition',
      `Cannot load the native part "${path}": it is missing, damaged or made for another machine; run "make -C native addon", or name another file by BERTH_ADDON`,
      { cause },
    );
  }
}
