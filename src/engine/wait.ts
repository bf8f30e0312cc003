import { EngineError } from '#/base/errors.ts';
import { isRunning } from '#/engine/container-record.ts';
import { liveOf, type Ending, type EngineContext } from '#/engine/context.ts';
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
    return Promise.resolve({ kind: 'exited', exitCode, error: '' });
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
