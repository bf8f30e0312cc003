import { stat } from 'node:fs/promises';

/** What a program's file is: another version of it has another identity. */
export async function programIdentity(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  return `${path}:${dev}:${ino}:${size}:${mtimeMs}`;
}
