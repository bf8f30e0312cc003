import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '#/base/atomic-file.ts';
import { errnoOf } from '#/base/errors.ts';

/** The identity of a root directory: made at its first start, kept for good, where containerd keeps its own. */
export async function daemonId(root: string): Promise<string> {
  const path = join(root, 'io.containerd.grpc.v1.introspection', 'uuid');
  try {
    const known = (await readFile(path, 'utf8')).trim();
    if (/^[0-9a-f-]{36}$/.test(known)) return known;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const fresh = randomUUID();
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  await writeFileAtomic(path, fresh);
  return fresh;
}
