import { constants, type BigIntStats } from 'node:fs';
import { chmod, copyFile, lchown, link, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { mknod } from '#/linux/mknod.ts';
import { lutimes } from '#/linux/times.ts';
import { lgetxattr, llistxattr, lsetxattr } from '#/linux/xattr.ts';

/** Entries copied side by side. */
const together = 8;
const separator = Buffer.from('/');

/** Entries of a file with several names: the first copy, by inode, is what the others link to. */
type FirstCopies = Map<string, Promise<Buffer>>;

/**
 * Copies a tree as it is: contents, owners, modes, extended attributes, times to the nanosecond, hard links within the
 * tree, symbolic links, devices, FIFOs and sockets. File contents are shared with the original where the file system
 * can (reflink). `to` must not exist. Names need not be UTF-8.
 */
export async function copyTree(from: string, to: string): Promise<void> {
  const source = Buffer.from(from);
  await copyDirectory(source, Buffer.from(to), await lstat(source, { bigint: true }), new Map());
}

async function copyDirectory(from: Buffer, to: Buffer, stats: BigIntStats, first: FirstCopies): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  const below: { readonly name: Buffer; readonly stats: BigIntStats }[] = [];
  const names = await readdir(from, 'buffer');
  for (let at = 0; at < names.length; at += together) {
    const copies = names.slice(at, at + together).map(async (name) => {
      const source = under(from, name);
      const found = await lstat(source, { bigint: true });
      if (found.isDirectory()) below.push({ name, stats: found });
      else await copyLinked(source, under(to, name), found, first);
    });
    // All of them end before an error goes on: nobody writes into a directory that is being removed.
    for (const result of await Promise.allSettled(copies)) if (result.status === 'rejected') throw result.reason;
  }
  for (const { name, stats: found } of below) await copyDirectory(under(from, name), under(to, name), found, first);
  await copyAttributes(from, to, stats);
}

const under = (directory: Buffer, name: Buffer): Buffer => Buffer.concat([directory, separator, name]);

async function copyLinked(from: Buffer, to: Buffer, stats: BigIntStats, first: FirstCopies): Promise<void> {
  if (stats.nlink === 1n) return await copyEntry(from, to, stats);
  const inode = `${stats.dev}:${stats.ino}`;
  const earlier = first.get(inode);
  if (earlier !== undefined) return await link(await earlier, to);
  const copy = copyEntry(from, to, stats).then(() => to);
  first.set(inode, copy);
  await copy;
}

async function copyEntry(from: Buffer, to: Buffer, stats: BigIntStats): Promise<void> {
  if (stats.isSymbolicLink()) await symlink(await readlink(from, 'buffer'), to);
  else if (stats.isFile()) await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  else await mknod(to, Number(stats.mode), deviceOf(stats.rdev));
  await copyAttributes(from, to, stats);
}

/** The owner comes first: changing it clears set-id bits and file capabilities. */
async function copyAttributes(from: Buffer, to: Buffer, stats: BigIntStats): Promise<void> {
  await lchown(to, Number(stats.uid), Number(stats.gid));
  if (!stats.isSymbolicLink()) await chmod(to, Number(stats.mode) & 0o7777);
  for (const name of await llistxattr(from)) await lsetxattr(to, name, await lgetxattr(from, name));
  await lutimes(to, { atime: stats.atimeNs, mtime: stats.mtimeNs });
}

/** Major and minor of a device number as the C library packs them. */
function deviceOf(device: bigint): { major: number; minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
