import type { Mount, OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { copyTree } from '#/core/snapshots/copy-tree.ts';
import { openDirectorySnapshotter, treeOf, type SnapshotTree } from '#/core/snapshots/directory-snapshotter.ts';
import { bindMount, makeRoot } from '#/core/snapshots/plain-tree.ts';

/** Snapshots as full copies: for any file system, slow and large unless it can share the bytes of copies (reflink). */
export const openNative: OpenSnapshotter = (context) =>
  openDirectorySnapshotter(
    { name: 'native', capabilities: [], populate: populateNative, mounts: (tree) => [nativeMount(tree)] },
    context,
  );

/** A view writes nothing, so it needs no copy. */
async function populateNative({ directory, kind, parents: [parent] }: SnapshotTree): Promise<void> {
  if (parent === undefined || kind === 'view') await makeRoot(treeOf(directory), parent);
  else await copyTree(treeOf(parent), treeOf(directory));
}

function nativeMount({ directory, kind, parents: [parent] }: SnapshotTree): Mount {
  return bindMount(treeOf(kind === 'view' && parent !== undefined ? parent : directory), kind);
}
