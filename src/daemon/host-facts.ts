import { readdir, readFile, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeCapabilityMask } from '#/oci/capabilities.ts';
import type { HostFacts } from '#/core/containers/make-spec.ts';
import type { SpecDevice } from '#/oci/runtime-spec.ts';

/** What the kernel lets this daemon pass on. */
export async function readHostFacts(): Promise<HostFacts> {
  const [capabilities, devices] = await Promise.all([ownCapabilities(), listDevices('/dev')]);
  return { capabilities, devices };
}

async function ownCapabilities(): Promise<string[]> {
  const status = await readFile('/proc/self/status', 'utf8');
  return decodeCapabilityMask(/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0');
}

/** Directories of /dev that a container has of its own. */
const ownDirectories: ReadonlySet<string> = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);
const ownDevices: ReadonlySet<string> = new Set([
  'console',
  'tty',
  'null',
  'zero',
  'full',
  'random',
  'urandom',
  'ptmx',
]);

async function listDevices(directory: string): Promise<SpecDevice[]> {
  const names = await readdir(directory).catch(() => []);
  const isOwn = (name: string): boolean => directory === '/dev' && (ownDevices.has(name) || ownDirectories.has(name));
  const shared = names.filter((name) => !isOwn(name));
  const found = await Promise.all(shared.map((name) => readDevice(join(directory, name))));
  return found.flat();
}

async function readDevice(path: string): Promise<SpecDevice[]> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return [];
  if (stats.isDirectory()) return listDevices(path);
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return [];
  const { major, minor } = deviceNumbers(stats.rdev);
  return [
    {
      path,
      type: stats.isBlockDevice() ? 'b' : 'c',
      major,
      minor,
      fileMode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
    },
  ];
}

/** As glibc's major(3) and minor(3) split a device number, below 2^32. */
function deviceNumbers(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}
