import { EngineError } from '#/base/errors.ts';
import { isRunning } from '#/engine/container-record.ts';
import { announce, keyOf, saveState, type EngineContext } from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';

/** Freezes or thaws every process of a container. Throws `conflict` when it does not run or is so already. */
export async function setPaused(
  context: EngineContext,
  namespace: string,
  name: string,
  paused: boolean,
): Promise<void> {
  const { id } = findContainer(context, namespace, name);
  await context.locks.run(keyOf({ namespace, id }), async () => {
    const container = findContainer(context, namespace, id);
    const { state } = container;
    if (!isRunning(state)) throw new EngineError('conflict', `Container ${id} is not running`);
    if (state.paused === paused)
      throw new EngineError('conflict', `Container ${id} is ${paused ? 'already paused' : 'not paused'}`);
    await (paused ? context.tasks.pause(namespace, id) : context.tasks.resume(namespace, id));
    await saveState(context, container, { ...state, paused });
    announce(context, container, paused ? 'pause' : 'unpause');
  });
}
