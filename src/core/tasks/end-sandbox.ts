import { access } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '#/base/clock.ts';
import { messageOf } from '#/base/errors.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import { removeBundle } from '#/core/tasks/bundle.ts';
import { taskName } from '#/core/tasks/context.ts';
import { findEndpoint, findShimPath, removeSocket } from '#/core/tasks/endpoint-file.ts';
import { deleteByShim } from '#/core/tasks/run-shim.ts';
import type { RunningSandbox } from '#/core/tasks/running-sandbox.ts';
import { tellExited } from '#/core/tasks/sandbox-events.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import { dialShim, sandboxMethods } from '#/core/tasks/shim-client.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import { killStrayShims } from '#/core/tasks/stray-shims.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';

const shutdownLimit = 5000;
/** What is said of an exit that nobody saw. */
const unknownExit = 255;

/**
 * Takes away everything that the bundle of a sandbox stands for: shim, mounts and files, however far they came. It works
 * from the bundle alone, so the next daemon can do it too.
 */
export async function undoSandbox(host: TaskHost, bundle: Bundle): Promise<void> {
  const { logger, shims } = host.context;
  const warn = (what: string) => (error: unknown) => {
    logger.warn(what, { sandbox: taskName(bundle.key), error: messageOf(error) });
    return undefined;
  };
  const isThere = await access(bundle.path).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  const endpoint = await findEndpoint(bundle.path).catch(warn('cannot read where a shim listens'));
  const binary = await findShimPath(bundle.path);
  if (!(await shutDown(host, bundle, endpoint))) {
    await killStrayShims(bundle.key, shims).catch(warn('cannot end a shim'));
    if (binary !== undefined)
      await deleteByShim({ binary, bundle, addresses: shims }, host.context.limits.cleanup).catch(
        warn('cannot clean up after a sandbox'),
      );
  }
  if (endpoint !== undefined) await removeSocket(endpoint);
  await removeBundle(bundle);
}

/** Asks the shim to end itself and what it runs, and waits until it has. */
async function shutDown({ context }: TaskHost, bundle: Bundle, endpoint?: ShimEndpoint): Promise<boolean> {
  if (endpoint === undefined) return false;
  // A shim waits until somebody reads its log.
  using _log = await openShimLog(bundle, context.logger);
  const { namespace, id } = bundle.key;
  const signal = AbortSignal.timeout(shutdownLimit);
  const shim = await dialShim(namespace, endpoint, { signal }).catch(() => undefined);
  if (shim === undefined) return false;
  await shim.call(sandboxMethods.shutdownSandbox, { sandboxId: id }, { timeoutMs: shutdownLimit }).catch(() => {});
  const ended = await Promise.race([shim.closed.then(() => true), delay(shutdownLimit, false, { ref: false })]);
  shim.close();
  return ended;
}

/** Ends a sandbox on request. Its exit is told to who waits, where the shim did not. */
export async function shutDownSandbox(host: TaskHost, sandbox: RunningSandbox): Promise<void> {
  if (!host.sandboxes.registry.remove(sandbox)) return;
  host.sandboxes.teardowns.begin(sandbox.key, async () => {
    await undoSandbox(host, sandbox.bundle);
    release(host, sandbox);
  });
  await host.sandboxes.teardowns.settled(sandbox.key);
}

/** Cleans up after a sandbox whose shim goes away without having been told to. */
export function watchSandbox(host: TaskHost, sandbox: RunningSandbox): void {
  void sandbox.shim.closed.then(() => {
    if (host.closing.aborted || !host.sandboxes.registry.remove(sandbox)) return;
    host.context.logger.warn('the shim of a sandbox went away', { sandbox: taskName(sandbox.key) });
    host.sandboxes.teardowns.begin(sandbox.key, async () => {
      await undoSandbox(host, sandbox.bundle);
      release(host, sandbox);
    });
  });
}

function release(host: TaskHost, sandbox: RunningSandbox): void {
  sandbox.shim.close();
  sandbox.log[Symbol.dispose]();
  const exit = { exitStatus: unknownExit, exitedAt: now() };
  if (sandbox.wasStarted && sandbox.finish(exit)) tellExited(host, sandbox.key, exit);
  else sandbox.finish(exit);
}
