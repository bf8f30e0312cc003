/** A file tree in words, so that two can be compared: everything that an image says of its files. */
import { createHash } from 'node:crypto';
import { createReadStream, type BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { lgetxattr, llistxattr } from '#/linux/xattr.ts';

export type Tree = ReadonlyMap<string, string>;

/** One line per path. Sizes and link counts of directories are the file system's own and left out. */
export async function describeTree(root: string): Promise<Tree> {
  const lines = new Map<string, string>();
  const firstNames = new Map<string, string>();
  for (const name of ['', ...(await namesBelow(root, '')).sort()]) {
    const path = pathOf(root, name);
    const status = await lstat(path, { bigint: true });
    const inode = `${status.dev}:${status.ino}`;
    const first = firstNames.get(inode) ?? name;
    firstNames.set(inode, first);
    const linked = !status.isDirectory() && status.nlink > 1n ? ` same as ${JSON.stringify(first)}` : '';
    lines.set(name, `${await describe(path, status)}${linked}`);
  }
  return lines;
}

/** Names are bytes, kept as Latin-1. */
const pathOf = (root: string, name: string): Buffer => Buffer.from(`${root}/${name}`, 'latin1');

async function namesBelow(root: string, directory: string): Promise<string[]> {
  const entries = await readdir(pathOf(root, directory), { withFileTypes: true, encoding: 'latin1' });
  const found = entries.map(async (entry) => {
    const name = directory === '' ? entry.name : `${directory}/${entry.name}`;
    return entry.isDirectory() ? [name, ...(await namesBelow(root, name))] : [name];
  });
  return (await Promise.all(found)).flat();
}

async function describe(path: Buffer, status: BigIntStats): Promise<string> {
  const { mode, uid, gid, nlink, mtimeNs, rdev, size } = status;
  const common = [
    mode.toString(8),
    `${uid}:${gid}`,
    `at ${mtimeNs}`,
    ...(status.isDirectory() ? [] : [`links ${nlink}`]),
    ...(status.isCharacterDevice() || status.isBlockDevice() ? [`device ${rdev}`] : []),
    ...(status.isFile() ? [`size ${size}`, await hashOf(path)] : []),
    ...(status.isSymbolicLink() ? [`to ${JSON.stringify(await readlink(path, 'latin1'))}`] : []),
    ...(await xattrsOf(path)),
  ];
  return common.join(' ');
}

async function hashOf(path: Buffer): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Those of the overlay itself belong to the mount, not to the image. */
async function xattrsOf(path: Buffer): Promise<string[]> {
  const names = (await llistxattr(path)).filter((name) => !name.startsWith('trusted.overlay.'));
  return Promise.all(names.sort().map(async (name) => `${name}=${(await lgetxattr(path, name)).toString('hex')}`));
}

/** What differs, as `- path: line` of the first and `+ path: line` of the second. */
export function differences(expected: Tree, actual: Tree): string[] {
  const names = [...new Set([...expected.keys(), ...actual.keys()])].sort();
  return names.flatMap((name) => {
    const [one, other] = [expected.get(name), actual.get(name)];
    if (one === other) return [];
    return [
      ...(one === undefined ? [] : [`- ${name}: ${one}`]),
      ...(other === undefined ? [] : [`+ ${name}: ${other}`]),
    ];
  });
}
