import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';

/** A device node as the runtime spec describes one. */
export interface HostDevice {
  readonly type: 'c' | 'b' | 'p';
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Directories of /dev that a container has of its own. */
const ownDirectories: ReadonlySet<string> = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);

/** The device at `path`, or all below it but the console and pipes. `invalid-argument` for another file. */
export async function listDevices(path: string): Promise<HostDevice[]> {
  const stats = await stat(path).catch((error: unknown) => {
    throw new EngineError('not-found', `Cannot add device "${path}": ${messageOf(error)}`, { cause: error });
  });
  if (stats.isDirectory()) return await devicesBelow(path);
  const device = await findDevice(path);
  if (device !== undefined) return [device];
  throw new EngineError('invalid-argument', `Cannot add device "${path}": it is no device`);
}

async function devicesBelow(directory: string): Promise<HostDevice[]> {
  const found: HostDevice[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!ownDirectories.has(entry.name)) found.push(...(await devicesBelow(path)));
    } else if (entry.name !== 'console') {
      const device = await findDevice(path);
      if (device !== undefined && device.type !== 'p') found.push(device);
    }
  }
  return found;
}

async function findDevice(path: string): Promise<HostDevice | undefined> {
  try {
    const stats = await lstat(path);
    const type = stats.isCharacterDevice() ? 'c' : stats.isBlockDevice() ? 'b' : stats.isFIFO() ? 'p' : undefined;
    if (type === undefined) return undefined;
    const { rdev, mode, uid, gid } = stats;
    return { type, path, ...deviceNumbers(rdev), fileMode: mode & 0o7777, uid, gid };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** As the kernel hands them to user space: makedev(3). */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const wide = BigInt(rdev);
  return {
    major: Number(((wide >> 8n) & 0xfffn) | ((wide >> 32n) & ~0xfffn)),
    minor: Number((wide & 0xffn) | ((wide >> 12n) & ~0xffn & 0xffffffffn)),
  };
}
