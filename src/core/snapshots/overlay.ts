import { existsSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { EngineError } from '#/base/errors.ts';
import type { Mount, Snapshotter, SnapshotterContext } from '#/core/snapshots/contract.ts';
import { openDirectorySnapshotter, treeOf, type SnapshotTree } from '#/core/snapshots/directory-snapshotter.ts';
import { readIdMapping } from '#/core/snapshots/id-mapping.ts';
import { bindMount, makeRoot } from '#/core/snapshots/plain-tree.ts';
import { tryOverlay, undoLeftTries, workOf } from '#/core/snapshots/try-overlay.ts';
import { inUserNamespace } from '#/linux/user-namespace.ts';

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
  const inside = await inUserNamespace();
  const more = moreOptions(mountOptions, inside);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await undoLeftTries(root);
  const { mapsOwners } = await tryOverlay(root, (tree) => overlayMounts(tree, { more, mapsOwners: true }));
  return await openDirectorySnapshotter(
    {
      name: 'overlayfs',
      capabilities: [
        ...(mapsOwners ? (['remap-ids'] as const) : []),
        ...(slowChown ? [] : (['only-remap-ids'] as const)),
        // Whiteouts of layers that are unpacked apart are devices, which nobody makes in a user namespace.
        ...(inside ? [] : (['rebase'] as const)),
      ],
      syncRemove,
      ...(upperdirLabel ? { ownLabels: (directory: string) => ({ [upperLabel]: treeOf(directory) }) } : {}),
      populate: populateOverlay,
      mounts: (tree) => overlayMounts(tree, { more, mapsOwners }),
    },
    context,
  );
}

/** What is set comes first, then what berth wants and nobody has set. */
function moreOptions(set: readonly string[], inside: boolean): string[] {
  const has = (name: string): boolean => set.some((option) => option.split('=')[0] === name);
  const wantsIndex = !has('index') && existsSync('/sys/module/overlay/parameters/index');
  return [...set, ...(inside && !has('userxattr') ? ['userxattr'] : []), ...(wantsIndex ? ['index=off'] : [])];
}

async function populateOverlay({ directory, kind, parents, labels }: SnapshotTree): Promise<void> {
  await makeRoot(treeOf(directory), parents[0]);
  const mapping = readIdMapping(labels);
  if (mapping !== undefined) await chown(treeOf(directory), mapping.rootUid, mapping.rootGid);
  if (kind === 'active') await mkdir(workOf(directory), { mode: 0o711 });
}

interface MountStyle {
  readonly more: readonly string[];
  readonly mapsOwners: boolean;
}

/** The mount of a snapshot: a bind mount where one directory is all there is to see, otherwise an overlay. */
function overlayMounts({ directory, kind, parents, labels }: SnapshotTree, { more, mapsOwners }: MountStyle): Mount[] {
  const mapping = mapsOwners ? readIdMapping(labels) : undefined;
  const mapped = mapping === undefined ? [] : [`uidmap=${mapping.uids}`, `gidmap=${mapping.gids}`];
  const [first] = parents;
  if (first === undefined) return [bindMount(treeOf(directory), kind, mapped)];
  if (kind === 'view' && parents.length === 1) return [bindMount(treeOf(first), kind, mapped)];
  const writable = [`workdir=${workOf(directory)}`, `upperdir=${treeOf(directory)}`];
  const lower = `lowerdir=${parents.map(treeOf).join(':')}`;
  const options = [...mapped, ...(kind === 'active' ? writable : []), lower, ...more];
  return [{ type: 'overlay', source: 'overlay', options }];
}
