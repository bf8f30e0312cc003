/** What takes seconds to make is made once per machine: `~/.cache/berth-vm/NAME-HASH`, by a hash of what it is made of. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'berth-vm');
const unusedForMs = 3 * 86_400_000;

export const hashOf = (parts: Iterable<string | Uint8Array>): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 16);
};

/** The directory that `make` filled, now or earlier. Made beside and renamed: a half-made one is never seen. */
export async function cached(name: string, hash: string, make: (into: string) => Promise<void>): Promise<string> {
  const directory = join(cache, `${name}-${hash}`);
  if (await exists(directory)) {
    await utimes(directory, new Date(), new Date());
    return directory;
  }
  await mkdir(cache, { recursive: true });
  const beside = await mkdtemp(join(cache, `making-${name}-`));
  try {
    await make(beside);
    await rename(beside, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error;
    });
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  await removeUnused();
  return directory;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function removeUnused(): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > unusedForMs) await rm(path, { recursive: true, force: true });
  }
}
