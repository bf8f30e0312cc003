/** Files outside everything that berthd owns, which hostile images would like to reach. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Canary extends AsyncDisposable {
  readonly path: string;
  /** Throws when anything in it was changed, added or removed. */
  assertUnharmed(): Promise<void>;
}

export async function placeCanary(): Promise<Canary> {
  const path = await mkdtemp(join(tmpdir(), 'canary-'));
  await mkdir(join(path, 'etc'));
  await writeFile(join(path, 'victim'), 'sings');
  await writeFile(join(path, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n', { mode: 0o600 });
  const before = await describe(path);
  return {
    path,
    assertUnharmed: async () => assert.deepEqual(await describe(path), before),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

async function describe(path: string): Promise<string[]> {
  const names = (await readdir(path, { recursive: true })).sort();
  const all = ['', ...names].map(async (name) => {
    const place = join(path, name);
    const { mode, uid, gid, nlink, mtimeMs, ctimeMs } = await stat(place);
    const content = (await stat(place)).isFile() ? await readFile(place, 'utf8') : '';
    return JSON.stringify({ name, mode, uid, gid, nlink, mtimeMs, ctimeMs, content });
  });
  return Promise.all(all);
}
