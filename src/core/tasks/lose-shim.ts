import { setTimeout as delay } from 'node:timers/promises';
import { now } from '#/base/clock.ts';
import { messageOf } from '#/base/errors.ts';
import { deactivateRootfs } from '#/core/tasks/active-mounts.ts';
import { releaseRootfs, removeBundle } from '#/core/tasks/bundle.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import { removeSocket } from '#/core/tasks/endpoint-file.ts';
import { deleteByShim } from '#/core/tasks/run-shim.ts';
import { findExit, keepExit } from '#/core/tasks/exit-file.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import type { TrackedProcess } from '#/core/tasks/tracked-process.ts';

const recordLimit = 5000;
/** What is said of an exit that nobody saw. */
const unknownExit = 255;

/** Cleans up after a task whose shim goes away without having been told to. */
export function watchShim(host: TaskHost, task: RunningTask): void {
  void task.shim.closed.then(() => {
    if (host.closing.aborted || !host.registry.has(task)) return;
    host.context.logger.warn('a shim went away', { task: taskName(task.key) });
    host.teardowns.begin(task.key, () => loseTask(host, task));
  });
}

/**
 * The end is written into the bundle before it is told, and the bundle goes last, when it is on record wherever it must:
 * whoever dies on the way, the next daemon finds the bundle, and the end in it.
 */
async function loseTask(host: TaskHost, task: RunningTask): Promise<void> {
  const { context, registry } = host;
  const { bundle, binary, endpoint, joined } = task;
  const written = await readExits(task);
  const warn = (error: unknown): undefined => {
    context.logger.warn('cannot clean up after a shim', { task: taskName(task.key), error: messageOf(error) });
    return undefined;
  };
  const found = await deleteByShim({ binary, bundle, addresses: context.shims }, context.limits.cleanup).catch(warn);
  const isNew = task.init.exit === undefined;
  const killed = { pid: task.init.pid, exitStatus: found?.exitStatus ?? unknownExit, exitedAt: now() };
  const exit = task.init.exit ?? written.get(task.init) ?? killed;
  await keepExit(bundle, exit).catch(warn);
  await releaseRootfs(bundle).catch(warn);
  await deactivateRootfs(host, task.key);
  const isLost = registry.remove(task);
  for (const [process, own] of written) process.finish(own);
  if (isLost) task.finishAll(exit);
  if (isLost) await endsOnRecord(host, task.key);
  // The socket of a sandbox's shim is the sandbox's.
  await Promise.all([joined ? undefined : removeSocket(endpoint), removeBundle(bundle)]).catch(warn);
  task.log[Symbol.dispose]();
  if (isLost) publishLoss(host, task.key, exit, isNew);
}

/** Waits for those who record ends, but not for ever. */
async function endsOnRecord({ context, recorders }: TaskHost, key: TaskKey): Promise<void> {
  const recorded = Promise.all([...recorders].map((record) => record(key)));
  await Promise.race([
    recorded.catch((error: unknown) =>
      context.logger.warn('an end is not on record', { task: taskName(key), error: messageOf(error) }),
    ),
    delay(recordLimit, undefined, { ref: false }),
  ]);
}

async function readExits(task: RunningTask): Promise<Map<TrackedProcess, Exit>> {
  const found = new Map<TrackedProcess, Exit>();
  for (const process of task.processes()) {
    const exit = await findExit(task.bundle, process.execId);
    if (exit !== undefined) found.set(process, exit);
  }
  return found;
}

/** The events that the shim can no longer send. */
export function publishLoss({ context }: TaskHost, key: TaskKey, exit: Exit, exitIsNew: boolean): void {
  const fields = { containerId: key.id, id: key.id, ...exit };
  if (exitIsNew) context.events.publish(key.namespace, { topic: '/tasks/exit', ...fields });
  context.events.publish(key.namespace, { topic: '/tasks/delete', ...fields });
}
