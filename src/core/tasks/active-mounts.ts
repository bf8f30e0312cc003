import { isKind, messageOf } from '#/base/errors.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';

/** Says that the mounts are kept for the container, and made for its task. */
const keeper = 'containerd.io/gc.bref.container';

/**
 * The mounts of a container's root as its shim can do them: what needs more than that is made by the daemon, under the
 * task's id, and undone with the task.
 */
export async function activateRootfs(
  { context, runtimeMounts }: TaskHost,
  { namespace, id }: TaskKey,
  { binary, rootfs }: { readonly binary: string; readonly rootfs: readonly Mount[] },
): Promise<readonly Mount[]> {
  const { mounts } = context;
  if (!mounts.needsActivation(rootfs)) return rootfs;
  const options = { labels: { [keeper]: id }, allow: await runtimeMounts.of(binary) };
  if (!mounts.needsActivation(rootfs, options)) return rootfs;
  try {
    return (await mounts.activate(namespace, id, rootfs, options)).system;
  } catch (error) {
    // A client may have made them before, under the same name.
    if (!isKind(error, 'already-exists')) throw error;
    return mounts.get(namespace, id).system;
  }
}

/** Undoes what was made for the task's root, which must not be mounted any more. */
export async function deactivateRootfs({ context }: TaskHost, key: TaskKey): Promise<void> {
  const { namespace, id } = key;
  const record = context.metadata.read.mounts.find(namespace, id);
  if (record === undefined || record.labels[keeper] !== id) return;
  try {
    await context.mounts.deactivate(namespace, id);
  } catch (error) {
    if (!isKind(error, 'not-found'))
      context.logger.warn('cannot undo the mounts of a task', { task: taskName(key), error: messageOf(error) });
  }
}
