import { mkdir, symlink } from 'node:fs/promises';
import { now } from '#/base/clock.ts';
import { EngineError, describeFailure, errnoOf } from '#/base/errors.ts';
import type { ActiveMount, StoredMount } from '#/core/metadata/contract.ts';
import { formatMount } from '#/core/mounts/format.ts';
import { makeDirectories } from '#/core/mounts/make-directories.ts';
import { makeFileSystem } from '#/core/mounts/make-file-system.ts';
import type { PlannedMount } from '#/core/mounts/plan-activation.ts';
import { attachLoop } from '#/linux/loop.ts';
import { mount } from '#/linux/mount.ts';

/** Where files and directories may be made on a client's behalf. */
export type Roots = readonly string[];

/** Does what stands before a mount's type. */
export async function transform(
  planned: PlannedMount,
  active: readonly ActiveMount[],
  roots: Roots,
): Promise<StoredMount> {
  let made = planned.mount;
  for (const word of planned.transforms) {
    if (word === 'format') made = formatMount(made, active);
    else if (word === 'mkfs') made = await makeFileSystem(made, roots);
    else made = await makeDirectories(made, roots);
  }
  return made;
}

export interface Place {
  readonly path: string;
  readonly tag: string;
}

/** Mounts it at a place that is not there yet. */
export async function makeMount(
  wish: StoredMount,
  handler: PlannedMount['handler'],
  place: Place,
): Promise<ActiveMount> {
  if (wish.target !== undefined && wish.target !== '')
    throw new EngineError(
      'invalid-argument',
      `Cannot mount "${wish.source}" on "${wish.target}": a mount that the daemon makes has a place of its own, and nothing is below it`,
    );
  const done = (made: StoredMount): ActiveMount => ({
    mount: made,
    mountPoint: place.path,
    mountedAt: String(now()),
  });
  try {
    if (handler === 'loop') return done(await attach(wish, place));
    await mkdir(place.path, { mode: 0o700 });
    return done(handler === 'erofs' ? await mountErofs(wish, place) : await mountPlain(wish, place));
  } catch (error) {
    throw describeFailure(`Cannot mount "${wish.source}" of type "${wish.type}"`, error);
  }
}

/** The device stays by itself; the link at the place names it, and comes before it is kept. */
async function attach(wish: StoredMount, { path, tag }: Place): Promise<StoredMount> {
  const unknown = wish.options.find((option) => option !== 'ro' && option !== 'rw');
  if (unknown !== undefined)
    throw new EngineError('invalid-argument', `a loop device takes "ro" and "rw", not "${unknown}"`);
  using device = await attachLoop(wish.source, { readOnly: wish.options.includes('ro'), tag });
  await symlink(device.path, path);
  device.keep();
  return wish;
}

/** Newer kernels mount a file as it is; others want block devices. */
async function mountErofs(wish: StoredMount, place: Place): Promise<StoredMount> {
  const verity = wish.options.find((option) => option.startsWith('X-containerd.dmverity='));
  if (verity !== undefined)
    throw new EngineError('unimplemented', `dm-verity is not set up here, which option "${verity}" asks for`);
  const plain = { ...wish, options: wish.options.filter((option) => option !== 'loop') };
  try {
    await mount({ ...plain, target: place.path });
    return plain;
  } catch (error) {
    if (errnoOf(error) !== 'ENOTBLK') throw error;
    return await mountByLoops(plain, place);
  }
}

async function mountByLoops(wish: StoredMount, { path, tag }: Place): Promise<StoredMount> {
  // The mounted file system keeps the devices; they go when it does.
  using devices = new DisposableStack();
  const attachOne = async (file: string): Promise<string> =>
    devices.use(await attachLoop(file, { readOnly: true, tag })).path;
  const options: string[] = [];
  for (const option of wish.options) {
    const [, file] = /^device=(.*)$/s.exec(option) ?? [];
    options.push(file === undefined ? option : `device=${await attachOne(file)}`);
  }
  const made = { ...wish, source: await attachOne(wish.source), options };
  await mount({ ...made, target: path });
  return made;
}

async function mountPlain(wish: StoredMount, { path, tag }: Place): Promise<StoredMount> {
  if (!wish.options.includes('loop')) {
    await mount({ ...wish, target: path });
    return wish;
  }
  using device = await attachLoop(wish.source, { readOnly: wish.options.includes('ro'), tag });
  const made = { ...wish, source: device.path, options: wish.options.filter((option) => option !== 'loop') };
  await mount({ ...made, target: path });
  return made;
}
