import { messageOf } from '#/base/errors.ts';
import type { Output } from '#/cli/output.ts';

/** Does one thing to each of many, in order. A failure is told and does not stop the others. The exit code. */
export async function eachTarget(
  { err, verb }: { readonly err: Output; readonly verb: string },
  targets: readonly string[],
  act: (target: string) => Promise<void>,
): Promise<number> {
  let failed = false;
  for (const target of targets) {
    try {
      await act(target);
    } catch (error) {
      failed = true;
      const message = messageOf(error);
      err.line(`berth ctr: ${message.startsWith('Cannot ') ? message : `Cannot ${verb} "${target}": ${message}`}`);
    }
  }
  return failed ? 1 : 0;
}
