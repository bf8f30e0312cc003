import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { Mount, Snapshotter, SnapshotterContext } from '#/core/snapshots/contract.ts';
import { openDirectorySnapshotter, treeOf, type SnapshotTree } from '#/core/snapshots/directory-snapshotter.ts';
import { readIdMapping } from '#/core/snapshots/id-mapping.ts';
import { bindMount, makeRoot } from '#/core/snapshots/plain-tree.ts';
import { mount, unmountAll } from '#/linux/mount.ts';

const workOf = (directory: string): string => join(directory, 'work');

/** Settings under the meaning that containerd's `io.containerd.snapshotter.v1.overlayfs` section gives them. */
export interface OverlayOptions {
  /** Shows where a snapshot's own files are as label `containerd.io/snapshot/overlay.upperdir`. */
  readonly upperdirLabel?: boolean;
  /** `remove` waits until the files are gone. */
  readonly syncRemove?: boolean;
  /** Clients may change the owners of a copy where the kernel cannot map them. */
  readonly slowChown?: boolean;
  /** For overlay mounts, not for bind mounts. */
  readonly mountOptions?: readonly string[];
}

export interface OverlayContext extends SnapshotterContext {
  readonly options?: OverlayOptions;
}

const upperLabel = 'containerd.io/snapshot/overlay.upperdir';

/** Snapshots as layers of the kernel's overlay file system. Throws `unimplemented` where `root` cannot have them. */
export async function openOverlay(context: OverlayContext): Promise<Snapshotter> {
  const { root, options: { upperdirLabel = false, syncRemove = false, slowChown = false, mountOptions = [] } = {} } =
    context;
  if (/[,:\\]/.test(root))
    throw new EngineError(
      'invalid-argument',
      `Cannot keep overlay snapshots in "${root}": mount options cannot carry a "," ":" or "\\"; use another directory`,
    );
  const more = moreOptions(mountOptions);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await undoLeftTries(root);
  await tryOverlay(root, more);
  return await openDirectorySnapshotter(
    {
      name: 'overlayfs',
      capabilities: [...(slowChown ? [] : (['only-remap-ids'] as const)), 'rebase'],
      syncRemove,
      ...(upperdirLabel ? { ownLabels: (directory: string) => ({ [upperLabel]: treeOf(directory) }) } : {}),
      populate: populateOverlay,
      mounts: (tree) => overlayMounts(tree, more),
    },
    context,
  );
}

/** What is set comes first, then what berth wants and nobody has set. */
function moreOptions(set: readonly string[]): string[] {
  const has = (name: string): boolean => set.some((option) => option.split('=')[0] === name);
  const wantsIndex = !has('index') && existsSync('/sys/module/overlay/parameters/index');
  return [...set, ...(wantsIndex ? ['index=off'] : [])];
}

async function populateOverlay({ directory, kind, parents, labels }: SnapshotTree): Promise<void> {
  await makeRoot(treeOf(directory), parents[0]);
  const mapping = readIdMapping(labels);
  if (mapping !== undefined) await chown(treeOf(directory), mapping.rootUid, mapping.rootGid);
  if (kind === 'active') await mkdir(workOf(directory), { mode: 0o711 });
}

/** The mount of a snapshot: a bind mount where one directory is all there is to see, otherwise an overlay. */
function overlayMounts({ directory, kind, parents }: Omit<SnapshotTree, 'labels'>, more: readonly string[]): Mount[] {
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
