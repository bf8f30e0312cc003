import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import { removeContainerFiles } from '#/engine/container-files.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import {
  announce,
  getSnapshotter,
  inBackground,
  keyOf,
  liveOf,
  reload,
  type ContainerKey,
  type EngineContext,
} from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';
import { killAndWait } from '#/engine/kill.ts';

/** Removes a container for good. A running one is refused unless `force`, which kills it first. */
export async function removeContainer(
  context: EngineContext,
  namespace: string,
  name: string,
  { force }: { readonly force: boolean },
): Promise<void> {
  const { id, record, state } = findContainer(context, namespace, name);
  if (isRunning(state) && !force)
    throw new EngineError(
      'conflict',
      `cannot remove container "/${record.name}": container is ${state.paused ? 'paused and must be unpaused first' : 'running: stop the container before removing or force remove'}`,
    );
  if (isRunning(state)) await killAndWait(context, namespace, id);
  await context.locks.run(keyOf({ namespace, id }), async () => {
    if (context.metadata.read.containers.find(namespace, id) === undefined) return;
    const container = reload(context, namespace, id);
    if (isRunning(container.state))
      throw new EngineError('conflict', `cannot remove container "/${record.name}": it was started again meanwhile`);
    await removeLocked(context, container);
  });
}

/**
 * The caller holds the container's lock. The record and its names go first, in one write; what they named follows, and
 * what a crash leaves of it is garbage that the next start removes.
 */
export async function removeLocked(context: EngineContext, container: EngineContainer): Promise<void> {
  const { namespace, id, core, state } = container;
  context.removing.add(keyOf(container));
  try {
    await context.metadata.write((tx) => tx.containers.delete(namespace, id));
    inBackground(context, `removing the files of container "${id}"`, removeContainerFiles(context, container));
    await removeSnapshot(context, core, namespace).catch((error: unknown) => {
      context.logger.warn('what is left of a removed container goes at the next start', {
        id,
        error: messageOf(error),
      });
    });
  } finally {
    context.removing.delete(keyOf(container));
  }
  const exitCode = state.kind === 'exited' || state.kind === 'created' ? state.exitCode : 0;
  announce(context, container, 'destroy');
  context.events.publish(namespace, { topic: '/containers/delete', id });
  forget(context, container, exitCode);
}

async function removeSnapshot(context: EngineContext, core: ContainerRecord, namespace: string): Promise<void> {
  const snapshotter = getSnapshotter(context, core.snapshotter);
  await snapshotter.remove(namespace, core.snapshotKey, { durable: false }).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
}

/** Lets go of everything in memory that belonged to a container that is no more, and tells those who wait for that. */
export function forget(context: EngineContext, container: ContainerKey, exitCode: number): void {
  const live = liveOf(context, container);
  const gone = new EngineError('not-found', `No such container: ${container.id}`);
  for (const attach of live.pending) attach.cancel(gone);
  for (const [execId, exec] of context.execs) if (exec.containerId === container.id) context.execs.delete(execId);
  context.live.delete(keyOf(container));
  for (const waiter of live.waiters) waiter({ kind: 'removed', exitCode, error: '' });
}
