import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { EngineError, errnoOf } from '#/base/errors.ts';
import type { StoredMount } from '#/core/metadata/contract.ts';
import { allowedPlace } from '#/core/mounts/allowed-place.ts';

const prefix = 'X-containerd.mkdir.';

/** Makes the directories that `X-containerd.mkdir.path=PATH[:MODE[:UID:GID]]` asks for, and takes the options away. */
export async function makeDirectories(mount: StoredMount, roots: readonly string[]): Promise<StoredMount> {
  const wishes = mount.options.filter((option) => option.startsWith(prefix)).map(parseWish);
  for (const wish of wishes) await makeDirectory(wish, roots);
  return { ...mount, options: mount.options.filter((option) => !option.startsWith(prefix)) };
}

interface Wish {
  readonly path: string;
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

function parseWish(option: string): Wish {
  const refuse = (why: string): EngineError =>
    new EngineError('invalid-argument', `Cannot use mount option ${JSON.stringify(option.slice(0, 200))}: ${why}`);
  const [, value] = /^path=(.*)$/s.exec(option.slice(prefix.length)) ?? [];
  if (value === undefined) throw refuse('only "path=" is known');
  const [path = '', mode = '700', uid, gid, ...more] = value.split(':');
  if (more.length > 0 || (uid !== undefined && gid === undefined)) throw refuse('it is no PATH[:MODE[:UID:GID]]');
  if (!/^0?[0-7]{1,3}$/.test(mode)) throw refuse('its mode is no octal number of permissions');
  if (uid === undefined) return { path, mode: Number.parseInt(mode, 8) };
  if (![uid, gid].every((id = '') => /^\d{1,9}$/.test(id))) throw refuse('its user and group are no numbers');
  return { path, mode: Number.parseInt(mode, 8), owner: { uid: Number(uid), gid: Number(gid) } };
}

async function makeDirectory({ path, mode, owner }: Wish, roots: readonly string[]): Promise<void> {
  const place = await allowedPlace(path, roots);
  try {
    await mkdir(place, { mode });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if (!(await lstat(place)).isDirectory())
      throw new EngineError('failed-precondition', `Cannot make directory "${path}" for a mount: a file is there`);
  }
  await chmod(place, mode);
  if (owner !== undefined) await chown(place, owner.uid, owner.gid);
}
