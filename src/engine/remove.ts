import { EngineError, isKind } from '#/base/errors.ts';
import { removeContainerFiles } from '#/engine/container-files.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import { announce, getSnapshotter, keyOf, liveOf, reload, saveState, type EngineContext } from '#/engine/context.ts';
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
 * The caller holds the container's lock. The state says `removing` first, so that a removal that a crash cut short is
 * finished at the next start.
 */
export async function removeLocked(context: EngineContext, container: EngineContainer): Promise<void> {
  const { namespace, id, core } = container;
  const exitCode =
    container.state.kind === 'exited' || container.state.kind === 'created' ? container.state.exitCode : 0;
  await saveState(context, container, { kind: 'removing', exitCode });
  await Promise.all([
    removeContainerFiles(context, container),
    getSnapshotter(context, core.snapshotter)
      .remove(namespace, core.snapshotKey)
      .catch((error: unknown) => {
        if (!isKind(error, 'not-found')) throw error;
      }),
  ]);
  await context.metadata.write((tx) => {
    for (const [name, holder] of tx.listNames(namespace)) if (holder === id) tx.releaseName(namespace, name);
    tx.containers.delete(namespace, id);
  });
  finishRemoval(context, container, exitCode);
}

function finishRemoval(context: EngineContext, container: EngineContainer, exitCode: number): void {
  const { namespace, id } = container;
  const live = liveOf(context, container);
  for (const attach of live.pending) attach.cancel(new EngineError('not-found', `No such container: ${id}`));
  for (const [execId, exec] of context.execs) if (exec.containerId === id) context.execs.delete(execId);
  context.live.delete(keyOf(container));
  announce(context, container, 'destroy');
  context.events.publish(namespace, { topic: '/containers/delete', id });
  for (const waiter of live.waiters) waiter({ kind: 'removed', exitCode, error: '' });
}
