import { isDirectory, listNames, statusOf } from '#/core/layers/child/file-status.ts';

export interface Usage {
  /** On the disk. */
  readonly size: number;
  readonly inodes: number;
}

const blockSize = 512;

/** What a tree takes of the disk, its root included; a file with several names counts once. */
export function countUsage(root: string, onDirectory: () => void): Usage {
  const linked = new Set<string>();
  const directories: string[] = [];
  let [size, inodes] = [0, 0];
  const count = (path: string): void => {
    const status = statusOf(path);
    if (status === undefined) return;
    if (isDirectory(status.mode)) directories.push(path);
    else if (status.nlink > 1n) {
      const inode = `${status.dev}:${status.ino}`;
      if (linked.has(inode)) return;
      linked.add(inode);
    }
    size += Number(status.blocks) * blockSize;
    inodes += 1;
  };
  count(root);
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    onDirectory();
    for (const name of listNames(directory)) count(`${directory}/${name}`);
  }
  return { size, inodes };
}
