import { isKind } from '#/base/errors.ts';
import type { ProcessKey, Stdio } from '#/core/tasks/contract.ts';
import { isHeldByShim } from '#/core/tasks/shim-stdio.ts';
import type { EngineContext } from '#/engine/context.ts';

/**
 * A shim holds a process's stdin open beside whoever writes to its FIFO. The owner of the streams is there to do that, so
 * the shim lets go: the input ends when the owner ends it, whether or not a daemon runs then. A shim that is the owner
 * itself does that by itself.
 */
export async function letGoOfInput(context: EngineContext, process: ProcessKey, stdio: Stdio): Promise<void> {
  if (stdio.stdin === '' || isHeldByShim(stdio)) return;
  await context.tasks.closeStdin(process).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
}
