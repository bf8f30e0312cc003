import { createHash } from 'node:crypto';
import { readdir, readlink, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '#/base/errors.ts';
import { releaseLoop } from '#/linux/loop.ts';
import { unmountAll } from '#/linux/mount.ts';

/** The directory of one activation: a place for each of its mounts, in their order. */
export interface MountPoints {
  readonly directory: string;
  /** Where the mount with this number goes: a directory, or a symbolic link to a loop device. */
  at(index: number): string;
  /** What the loop device of that number is tagged with, so that no other device is ever taken for it. */
  tagOf(index: number): string;
}

export function mountPoints(parent: string, id: number): MountPoints {
  const directory = join(parent, String(id));
  // Daemons with other directories number from 1 as well.
  const daemon = createHash('sha256').update(parent).digest('hex').slice(0, 16);
  return {
    directory,
    at: (index) => join(directory, nameOf(index)),
    tagOf: (index) => `berth-${daemon}-${id}-${nameOf(index)}`,
  };
}

const nameOf = (index: number): string => String(index).padStart(3, '0');

/** Undoes all mounts of an activation, the last one first, and removes their places. What is not there is fine. */
export async function takeDown({ directory, at, tagOf }: MountPoints): Promise<void> {
  const names = await namesIn(directory);
  const indexes = names.filter((name) => /^\d{3,}$/.test(name)).map(Number);
  for (const index of indexes.sort((one, other) => other - one)) await takeDownOne(at(index), tagOf(index));
  await rmdir(directory).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}

async function takeDownOne(path: string, tag: string): Promise<void> {
  const device = await readlink(path).catch((error: unknown) => {
    const code = errnoOf(error);
    if (code === 'EINVAL' || code === 'ENOENT') return undefined;
    throw error;
  });
  if (device === undefined) {
    await unmountAll(path);
    return await rmdir(path).catch(ignoreMissing);
  }
  await releaseLoop(device, tag);
  await unlink(path).catch(ignoreMissing);
}

export async function namesIn(directory: string): Promise<string[]> {
  return await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
}
