import { setTimeout as delay } from 'node:timers/promises';
import { now } from '#/base/clock.ts';
import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import { deactivateRootfs } from '#/core/tasks/active-mounts.ts';
import { retireBundle } from '#/core/tasks/bundle.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import { shutDownShim } from '#/core/tasks/end-shim.ts';
import { removeSocket } from '#/core/tasks/endpoint-file.ts';
import { removeLeftCgroup } from '#/core/tasks/left-cgroup.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';

const closeLimit = 1000;

/**
 * Deletes a task that has ended. When it resolves the container, its root's mount and its id are free; the shim ends and
 * the files go shortly after, and a new task of the same id waits for that.
 */
export async function deleteTask(host: TaskHost, task: RunningTask, signal?: AbortSignal): Promise<Exit> {
  const exit = await deleteContainer(task, signal);
  await deactivateRootfs(host, task.key);
  if (!host.registry.remove(task)) return exit;
  task.finishAll(exit);
  host.teardowns.begin(task.key, async () => {
    const [deleteFiles] = await Promise.all([retire(host, task), releaseShim(host, task)]);
    await deleteFiles();
  });
  return exit;
}

async function retire({ context }: TaskHost, { bundle, adopted }: RunningTask): Promise<() => Promise<void>> {
  // A delete that died with its daemon may have forgotten the container, but not yet removed its cgroup.
  if (adopted)
    await removeLeftCgroup(bundle).catch((error: unknown) => {
      const fields = { task: taskName(bundle.key), error: messageOf(error) };
      context.logger.warn('cannot remove the cgroup of a container', fields);
    });
  return await retireBundle(bundle);
}

async function releaseShim({ context, registry }: TaskHost, task: RunningTask): Promise<void> {
  const { shim, key, endpoint, log, joined } = task;
  const isShared = joined || registry.list().some((other) => other.endpoint.address === endpoint.address);
  if (isShared) shim.close();
  else if (await shutDownShim(shim, key, context.limits.shutdown)) await removeSocket(endpoint);
  log[Symbol.dispose]();
}

async function deleteContainer(task: RunningTask, signal?: AbortSignal): Promise<Exit> {
  const { id } = task.key;
  try {
    const { pid, exitStatus, exitedAt } = await task.shim.call(
      shimMethods.delete,
      { id },
      signal === undefined ? {} : { signal },
    );
    return { pid, exitStatus, exitedAt: timeOf(exitedAt) };
  } catch (error) {
    if (isKind(error, 'not-found')) return task.init.exit ?? { pid: task.init.pid, exitStatus: 255, exitedAt: now() };
    if (isKind(error, 'unavailable') && (await isLost(task))) return await task.init.exited;
    throw await explainRefusal(task, error);
  }
}

/** True when the shim has gone away; whoever cleans up after it says how the task ended once the container is gone. */
async function isLost({ shim }: RunningTask): Promise<boolean> {
  return await Promise.race([shim.closed.then(() => true), delay(closeLimit, false, { ref: false })]);
}

/** Shims tell in words of their own that a container still runs. */
async function explainRefusal(task: RunningTask, error: unknown): Promise<unknown> {
  if (task.init.exit !== undefined) return error;
  const state = await task.shim
    .call(shimMethods.state, { id: task.key.id }, { timeoutMs: 2000 })
    .catch(() => undefined);
  if (state?.status !== Status.RUNNING && state?.status !== Status.PAUSED) return error;
  return new EngineError(
    'failed-precondition',
    `Cannot delete task "${taskName(task.key)}": it is running; kill it and wait for its end first`,
    { cause: error },
  );
}
