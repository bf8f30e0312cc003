import { isKind } from '#/base/errors.ts';
import type { ProcessKey, Stdio } from '#/core/tasks/contract.ts';
import type { EngineContext } from '#/engine/context.ts';

/**
 * The shim holds a process's stdin open beside whoever writes to it. The owner of the streams is there to do that, so the
 * shim lets go: the input ends when the owner ends it, whether or not a daemon runs then.
 */
export async function letGoOfInput(context: EngineContext, process: ProcessKey, { stdin }: Stdio): Promise<void> {
  if (stdin === '') return;
  await context.tasks.closeStdin(process).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
}
