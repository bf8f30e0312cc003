/** What tests need of trees: mounted scratch directories, and pictures of trees to compare. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mount } from '#/core/snapshots/contract.ts';
import { pathBytes } from '#/core/layers/child/file-status.ts';
import { travels } from '#/core/layers/child/xattr-policy.ts';
import { lgetxattr, llistxattr } from '#/linux/xattr.ts';
import { nameOf } from '#/oci/tar-entry.ts';

export interface Scratch extends AsyncDisposable {
  readonly path: string;
  /** A new directory in it. */
  directory(name: string): Promise<string>;
}

export async function openScratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), 'berth-layers-'));
  return {
    path,
    async directory(name) {
      await mkdir(join(path, name), { recursive: true });
      return join(path, name);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export function bindMount(source: string, access: 'rw' | 'ro' = 'rw'): Mount[] {
  return [{ type: 'bind', source, options: ['rbind', access] }];
}

/** An overlay of directories, the last of them the lowest; `upper` and `work` make it writable. */
export function overlayMount(lower: readonly string[], upper?: string, work?: string): Mount[] {
  const writable = upper === undefined ? [] : [`upperdir=${upper}`, `workdir=${work}`];
  return [{ type: 'overlay', source: 'overlay', options: [...writable, `lowerdir=${lower.join(':')}`] }];
}

/** One line per file that says all that a layer keeps of it; equal trees give equal lists. Names are byte strings. */
export async function pictureOf(root: string): Promise<string[]> {
  const links = new Map<string, string>();
  const lines: string[] = [];
  const visit = async (name: string): Promise<void> => {
    const path = pathBytes(`${nameOf(root)}/${name}`);
    const status = await lstat(path, { bigint: true });
    const parts = [name, status.mode.toString(8), `${status.uid}:${status.gid}`, String(status.mtimeNs)];
    if (status.isSymbolicLink()) parts.push(`-> ${await readlink(path, 'latin1')}`);
    if (status.isFile())
      parts.push(
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
          .slice(0, 16),
      );
    if (status.rdev !== 0n) parts.push(`device ${status.rdev}`);
    const key = `${status.dev}:${status.ino}`;
    const first = links.get(key);
    if (first !== undefined) parts.push(`same as ${first}`);
    links.set(key, first ?? name);
    for (const xattr of (await llistxattr(path)).filter(travels).sort())
      parts.push(`${xattr}=${(await lgetxattr(path, xattr)).toString('hex')}`);
    lines.push(parts.join(' '));
    if (!status.isDirectory()) return;
    for (const inner of (await readdir(path, 'latin1')).sort()) await visit(name === '.' ? inner : `${name}/${inner}`);
  };
  await visit('.');
  return lines;
}
