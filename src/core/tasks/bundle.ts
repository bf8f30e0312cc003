import { chmod, chown, mkdir, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import { unmountAll } from '#/linux/mount.ts';

/**
 * The directory of one task, which its shim runs in: `config.json`, `rootfs`, `log`, `work` and what the shim adds. The
 * layout is containerd's, so that its shims feel at home.
 */
export interface Bundle {
  readonly key: TaskKey;
  readonly path: string;
  /** A directory of the shim's on the disk, linked as `work`. */
  readonly work: string;
}

export interface BundleRoots {
  readonly root: string;
  readonly state: string;
}

export const taskFolder = 'io.containerd.runtime.v2.task';
export const sandboxFolder = 'io.containerd.sandbox.controller.v1.shim';
type Folder = typeof taskFolder | typeof sandboxFolder;

/** Where bundles lie in the state directory, and work directories in the root. */
export const bundlesOf = (directory: string, folder: Folder = taskFolder): string => join(directory, folder);

export function bundleOf({ root, state }: BundleRoots, key: TaskKey, folder: Folder = taskFolder): Bundle {
  const place = join(key.namespace, key.id);
  return { key, path: join(bundlesOf(state, folder), place), work: join(bundlesOf(root, folder), place) };
}

export const rootfsOf = ({ path }: Bundle): string => join(path, 'rootfs');

export interface BundleContent {
  /** The runtime spec, written as it is; a sandbox may have none. */
  readonly spec?: Uint8Array;
  readonly shim: string;
}

/** Makes the bundle. `already-exists` when one is there. */
export async function createBundle(bundle: Bundle, { spec, shim }: BundleContent): Promise<void> {
  const { path, work } = bundle;
  await Promise.all([path, work].map((place) => mkdir(dirname(place), { recursive: true, mode: 0o711 })));
  await makeOwnDirectory(bundle);
  await Promise.all([
    ...(spec === undefined ? [] : [writeFile(join(path, 'config.json'), spec), admitMappedRoot(path, spec)]),
    mkdir(rootfsOf(bundle), { mode: 0o711 }),
    writeFile(join(path, 'shim-binary-path'), shim),
    symlink(work, join(path, 'work')),
    rm(work, { recursive: true, force: true }).then(() => mkdir(work, { mode: 0o711 })),
  ]);
}

async function makeOwnDirectory({ path, key }: Bundle): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    throw new EngineError('already-exists', `Cannot create "${taskName(key)}": its bundle "${path}" is there`);
  }
}

/** The runtime enters the bundle as the root of the container's user namespace, where it has one. */
async function admitMappedRoot(path: string, spec: Uint8Array): Promise<void> {
  const gid = mappedRootGroup(spec);
  if (gid === undefined || gid === 0) return;
  await chown(path, 0, gid);
  await chmod(path, 0o710);
}

function mappedRootGroup(spec: Uint8Array): number | undefined {
  if (!Buffer.from(spec.buffer, spec.byteOffset, spec.length).includes('"gidMappings"')) return undefined;
  const { linux } = JSON.parse(Buffer.from(spec).toString()) as {
    readonly linux?: { readonly gidMappings?: readonly { readonly containerID?: number; readonly hostID?: number }[] };
  };
  return linux?.gidMappings?.find(({ containerID = 0 }) => containerID === 0)?.hostID;
}

/**
 * Takes a bundle out of sight, after which the id is free, and returns what deletes its files. Refuses while something
 * is mounted in it, so a container's root is never deleted through its mount.
 */
export async function retireBundle(bundle: Bundle): Promise<() => Promise<void>> {
  const hidden = join(dirname(bundle.path), `.${bundle.key.id}.${newToken(4)}`);
  await releaseRootfs(bundle);
  await rename(bundle.path, hidden).catch(ignoreMissing);
  return async () => {
    await Promise.all([hidden, bundle.work].map((place) => rm(place, { recursive: true, force: true })));
  };
}

export async function removeBundle(bundle: Bundle): Promise<void> {
  const deleteFiles = await retireBundle(bundle);
  await deleteFiles();
}

/** Undoes what is mounted at `rootfs`; its directory must be empty then, and goes. */
export async function releaseRootfs(bundle: Bundle): Promise<void> {
  const rootfs = rootfsOf(bundle);
  await rmdir(rootfs).catch(async (error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return;
    await unmountAll(rootfs);
    await rmdir(rootfs).catch(ignoreMissing);
  });
}

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
