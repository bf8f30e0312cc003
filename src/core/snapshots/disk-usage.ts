import { lstat, readdir } from 'node:fs/promises';
import { errnoOf } from '#/base/errors.ts';
import type { SnapshotUsage } from '#/core/snapshots/contract.ts';

/** Files looked at together; more only queue in front of Node's few file threads. */
const together = 32;
const separator = Buffer.from('/');
const blockSize = 512;

/** Bytes on the disk and inodes of a tree, its root included. A file with several names counts once. */
export async function diskUsage(root: string): Promise<SnapshotUsage> {
  const linked = new Set<string>();
  const directories: Buffer[] = [];
  let size = 0;
  let inodes = 0;
  const count = async (path: Buffer): Promise<void> => {
    const found = await lstatIfThere(path);
    if (found === undefined) return;
    if (found.isDirectory()) directories.push(path);
    else if (found.nlink > 1n) {
      const inode = `${found.dev}:${found.ino}`;
      if (linked.has(inode)) return;
      linked.add(inode);
    }
    size += Number(found.blocks) * blockSize;
    inodes += 1;
  };
  await count(Buffer.from(root));
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const above = Buffer.concat([directory, separator]);
    const names = await namesIn(directory);
    for (let at = 0; at < names.length; at += together)
      await Promise.all(names.slice(at, at + together).map((name) => count(Buffer.concat([above, name]))));
  }
  return { size, inodes };
}

// A snapshot in use changes while it is counted: what went away meanwhile does not count.
async function lstatIfThere(path: Buffer): Promise<Awaited<ReturnType<typeof lstatBig>> | undefined> {
  return await lstatBig(path).catch(ignoreMissing);
}

async function namesIn(directory: Buffer): Promise<Buffer[]> {
  return (await readdir(directory, 'buffer').catch(ignoreMissing)) ?? [];
}

const lstatBig = async (path: Buffer) => await lstat(path, { bigint: true });

function ignoreMissing(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
