import type { FileHandle } from 'node:fs/promises';
import { errnoOf } from '#/base/errors.ts';
import { openInRoot } from '#/linux/root.ts';

/** What is no readable file there: nothing, a directory, a loop of links, a device. */
const absent: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'];

/** The beginning of a file as if `root` were "/", whatever links lie on the way; '' where there is none. */
export async function readTextInRoot(root: string, path: string, mostBytes: number): Promise<string> {
  try {
    await using file = await openInRoot(root, path);
    return await readStart(file, mostBytes);
  } catch (error) {
    if (absent.includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
}

async function readStart(file: FileHandle, mostBytes: number): Promise<string> {
  const stats = await file.stat();
  if (!stats.isFile()) return '';
  const buffer = Buffer.alloc(Math.min(stats.size, mostBytes));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
