import { EngineError } from '#/base/errors.ts';
import { isRunning } from '#/engine/container-record.ts';
import { keyOf, liveOf, type Ending, type EngineContext } from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/**
 * Resolves when the container does not run, at its next end, or when it is gone. The waiter is registered before this
 * function first gives way, so that an end right afterwards is not missed.
 */
export function waitContainer(
  context: EngineContext,
  namespace: string,
  name: string,
  condition: WaitCondition,
  signal?: AbortSignal,
): Promise<Ending> {
  const container = findContainer(context, namespace, name);
  const { state } = container;
  if (condition === 'not-running' && !isRunning(state)) {
    const exitCode = state.kind === 'creating' ? 0 : state.exitCode;
    const ending: Ending = { kind: 'exited', exitCode, error: '' };
    // An end is on record a little before its task is gone; whoever waited may rely on both.
    return state.kind === 'exited'
      ? context.locks.run(keyOf(container), () => Promise.resolve(ending))
      : Promise.resolve(ending);
  }
  const { waiters } = liveOf(context, container);
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  let lastExit: Ending | undefined;
  const waiter = (ending: Ending): void => {
    if (ending.kind === 'exited') lastExit = ending;
    if (condition === 'removed' && ending.kind !== 'removed') return;
    waiters.delete(waiter);
    resolve(lastExit ?? ending);
  };
  waiters.add(waiter);
  const abandon = (): void => {
    waiters.delete(waiter);
    reject(new EngineError('cancelled', `Stopped waiting for container "${name}"`));
  };
  signal?.addEventListener('abort', abandon, { once: true });
  context.closing.addEventListener('abort', abandon, { once: true });
  return promise.finally(() => {
    signal?.removeEventListener('abort', abandon);
    context.closing.removeEventListener('abort', abandon);
  });
}
