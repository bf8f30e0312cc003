import { messageOf } from '#/base/errors.ts';
import { findEngineContainer, isRunning } from '#/engine/container-record.ts';
import { inBackground, type EngineContext } from '#/engine/context.ts';
import { watchExec } from '#/engine/exec.ts';
import { findRememberedExec } from '#/engine/remembered-exec.ts';

/**
 * Takes over a process that an earlier daemon added to a container and that the shim still knows, with its exit code if it
 * has ended meanwhile. Undefined for one that is gone, or was never started.
 */
export async function recallExec(context: EngineContext, directory: string): Promise<string | undefined> {
  try {
    const remembered = await findRememberedExec(directory);
    if (remembered === undefined) return undefined;
    const { id, namespace, containerId } = remembered;
    const core = context.metadata.read.containers.find(namespace, containerId);
    const container = core === undefined ? undefined : findEngineContainer(namespace, core);
    if (container === undefined || !isRunning(container.state)) return undefined;
    const { pid, status } = await context.tasks.state({ namespace, id: containerId, execId: id });
    if (status === 'created') {
      await context.tasks.deleteExec(namespace, containerId, id);
      return undefined;
    }
    const exec = { ...remembered, state: { kind: 'running', pid } as const, ended: Promise.withResolvers<number>() };
    context.execs.set(id, exec);
    inBackground(context, `watching exec "${id}"`, watchExec(context, container, exec));
    return id;
  } catch (error) {
    context.logger.debug('a process that was added to a container is gone', { directory, error: messageOf(error) });
    return undefined;
  }
}
