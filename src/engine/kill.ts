import { EngineError, isKind } from '#/base/errors.ts';
import { parseSignal } from '#/linux/signals.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import { announce, type EngineContext } from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';
import { waitContainer } from '#/engine/wait.ts';

export const sigkill = 9;

/** Resolves to false when the process is gone already. */
export async function signalTask(
  context: EngineContext,
  { namespace, id }: EngineContainer,
  signal: number,
): Promise<boolean> {
  try {
    await context.tasks.kill({ namespace, id, execId: '' }, signal);
    return true;
  } catch (error) {
    if (isKind(error, 'not-found')) return false;
    throw error;
  }
}

/** A paused container takes no signal until it goes on. */
export async function thaw(context: EngineContext, container: EngineContainer): Promise<void> {
  if (isRunning(container.state) && container.state.paused)
    await context.tasks.resume(container.namespace, container.id);
}

/** Sends a signal by name or number. Throws `conflict` when the container does not run. */
export async function killContainer(
  context: EngineContext,
  namespace: string,
  name: string,
  signalText: string,
): Promise<void> {
  const container = findContainer(context, namespace, name);
  const signal = parseSignal(signalText === '' ? 'SIGKILL' : signalText);
  const sent = isRunning(container.state) && (await signalTask(context, container, signal));
  if (!sent)
    throw new EngineError('conflict', `Cannot kill container: ${name}: Container ${container.id} is not running`);
  if (signal === sigkill) await thaw(context, container);
  announce(context, container, 'kill', { signal: String(signal) });
}

/** SIGKILL, then until the end is on record. */
export async function killAndWait(context: EngineContext, namespace: string, id: string): Promise<void> {
  const container = findContainer(context, namespace, id);
  if (!isRunning(container.state)) return;
  const ended = waitContainer(context, namespace, id, 'not-running');
  await signalTask(context, container, sigkill);
  await thaw(context, container);
  await ended;
}
