import { isKind } from '#/base/errors.ts';
import { isRunning } from '#/engine/container-record.ts';
import { announce, type EngineContext } from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';
import { startContainer } from '#/engine/start.ts';
import { stopContainer, type StopOptions } from '#/engine/stop.ts';

/** Stops a container if it runs, and starts it. */
export async function restartContainer(
  context: EngineContext,
  namespace: string,
  name: string,
  options: StopOptions,
): Promise<void> {
  const container = findContainer(context, namespace, name);
  if (isRunning(container.state))
    await stopContainer(context, namespace, container.id, options).catch((error: unknown) => {
      if (!isKind(error, 'not-modified')) throw error;
    });
  await startContainer(context, namespace, container.id);
  announce(context, container, 'restart');
}
