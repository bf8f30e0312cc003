import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { Mount, OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { openDirectorySnapshotter, treeOf, type SnapshotTree } from '#/core/snapshots/directory-snapshotter.ts';
import { bindMount, makeRoot } from '#/core/snapshots/plain-tree.ts';
import { mount, unmountAll } from '#/linux/mount.ts';

const workOf = (directory: string): string => join(directory, 'work');

/** Snapshots as layers of the kernel's overlay file system. Throws `unimplemented` where `root` cannot have them. */
export const openOverlay: OpenSnapshotter = async (context) => {
  const { root } = context;
  if (/[,:\\]/.test(root))
    throw new EngineError(
      'invalid-argument',
      `Cannot keep overlay snapshots in "${root}": mount options cannot carry a "," ":" or "\\"; use another directory`,
    );
  const more = existsSync('/sys/module/overlay/parameters/index') ? ['index=off'] : [];
  await mkdir(root, { recursive: true, mode: 0o700 });
  await undoLeftTries(root);
  await tryOverlay(root, more);
  return await openDirectorySnapshotter(
    {
      name: 'overlayfs',
      populate: populateOverlay,
      mounts: (tree) => overlayMounts(tree, more),
    },
    context,
  );
};

async function populateOverlay({ directory, kind, parents }: SnapshotTree): Promise<void> {
  await makeRoot(treeOf(directory), parents[0]);
  if (kind === 'active') await mkdir(workOf(directory), { mode: 0o711 });
}

/** The mount of a snapshot: a bind mount where one directory is all there is to see, otherwise an overlay. */
function overlayMounts({ directory, kind, parents }: SnapshotTree, more: readonly string[]): Mount[] {
  const [first] = parents;
  if (first === undefined) return [bindMount(treeOf(directory), kind)];
  if (kind === 'view' && parents.length === 1) return [bindMount(treeOf(first), kind)];
  const writable = [`workdir=${workOf(directory)}`, `upperdir=${treeOf(directory)}`];
  const lower = `lowerdir=${parents.map(treeOf).join(':')}`;
  const options = [...(kind === 'active' ? writable : []), lower, ...more];
  return [{ type: 'overlay', source: 'overlay', options }];
}

const tryPrefix = 'try-';
const mergedOf = (place: string): string => join(place, 'merged');

/** A daemon that was killed while it tried leaves its try behind. */
async function undoLeftTries(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(tryPrefix)) continue;
    await unmountAll(mergedOf(join(root, name)));
    await rm(join(root, name), { recursive: true, force: true });
  }
}

/** Mounts a small overlay once, so that a kernel or a disk that cannot do it says so at the start. */
async function tryOverlay(root: string, more: readonly string[]): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const place = join(root, `${tryPrefix}${newToken()}`);
  undo.defer(() => rm(place, { recursive: true, force: true }));
  const upper = join(place, 'upper');
  const lower = join(place, 'lower');
  const target = mergedOf(place);
  for (const directory of [treeOf(upper), workOf(upper), treeOf(lower), target])
    await mkdir(directory, { recursive: true });
  undo.defer(() => unmountAll(target));
  try {
    for (const wish of overlayMounts({ directory: upper, kind: 'active', parents: [lower] }, more))
      await mount({ ...wish, target });
  } catch (error) {
    throw new EngineError(
      'unimplemented',
      `Cannot keep overlay snapshots in "${root}": the kernel refuses to mount one there (${messageOf(error)}); use the native snapshotter or another disk`,
      { cause: error },
    );
  }
}
