import { EngineError, messageOf } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import { adoptSandboxes } from '#/core/tasks/adopt-sandboxes.ts';
import { adoptTasks } from '#/core/tasks/adopt-tasks.ts';
import { removeBundle } from '#/core/tasks/bundle.ts';
import type { TaskKey, TasksContext } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { Exit, ProcessKey, ProcessState, StreamHolder, Tasks } from '#/core/tasks/contract.ts';
import { createTask } from '#/core/tasks/create-task.ts';
import { deleteTask } from '#/core/tasks/delete-task.ts';
import { EventOrder } from '#/core/tasks/event-order.ts';
import { readState } from '#/core/tasks/read-state.ts';
import { openSandboxes, releaseSandboxes } from '#/core/tasks/open-sandboxes.ts';
import { onceOrAborted } from '#/core/tasks/once-or-aborted.ts';
import type { RunningSandbox } from '#/core/tasks/running-sandbox.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';
import { createRuntimeMounts, readRuntimeInfo } from '#/core/tasks/runtime-info.ts';
import { createShimBinaries, isBerthShim } from '#/core/tasks/shim-binary.ts';
import { createShimDialects } from '#/core/tasks/shim-dialect.ts';
import * as calls from '#/core/tasks/task-calls.ts';
import { decodeTaskEvent } from '#/core/tasks/task-events.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import { Registry } from '#/core/tasks/registry.ts';
import { defaultRuntime } from '#/oci/runtime-names.ts';
import { Teardowns } from '#/core/tasks/teardowns.ts';

/**
 * Takes over the tasks that an earlier daemon left, and serves them and new ones. Closing leaves all of them running: who
 * waits is told `unavailable`, and the next `openTasks` on the same directories finds them again.
 */
export async function openTasks(context: TasksContext): Promise<Tasks> {
  const closing = new AbortController();
  const host: TaskHost = {
    context,
    registry: new Registry<RunningTask>('task'),
    teardowns: new Teardowns(context.logger),
    sandboxes: { registry: new Registry<RunningSandbox>('sandbox'), teardowns: new Teardowns(context.logger) },
    lost: new Map(),
    recorders: new Set(),
    binaries: createShimBinaries(context.shims.directories, context.logger),
    dialects: createShimDialects(),
    runtimeMounts: createRuntimeMounts(),
    closing: closing.signal,
  };
  // The first create need not wait for the shim to tell its version.
  void host.binaries.find(defaultRuntime).then(host.dialects.of, () => {});
  await adoptSandboxes(host);
  await adoptTasks(host);
  const adopted = host.registry.list().map(({ key }) => key);
  return {
    ...lifeOf(host),
    ...controlsOf(host),
    ...forwarderOf(host),
    sandboxes: openSandboxes(host),
    checkRuntime: async (runtime) => void (await host.binaries.find(runtime)),
    runtimeInfo: async (runtime, options) => await readRuntimeInfo(await host.binaries.find(runtime), options),
    adopted: () => adopted,
    findLost: (namespace, id) => host.lost.get(taskName({ namespace, id }))?.exit,
    releaseLost: async () => await releaseLost(host),
    recordLossesBy: (record) => void host.recorders.add(record),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await host.teardowns.allSettled();
      await host.sandboxes.teardowns.allSettled();
      for (const task of host.registry.list()) letGo(task);
      releaseSandboxes(host, (key) => stopping('sandbox', key));
    },
  };
}

const stopping = (noun: string, key: TaskKey): EngineError =>
  new EngineError('unavailable', `Cannot wait for ${noun} "${taskName(key)}": the daemon is stopping`);

function letGo(task: RunningTask): void {
  task.failAll(stopping('task', task.key));
  task.shim.close();
  task.log[Symbol.dispose]();
}

type Life = Pick<
  Tasks,
  'create' | 'start' | 'exec' | 'wait' | 'state' | 'list' | 'has' | 'streamHolder' | 'delete' | 'deleteExec'
>;

function lifeOf(host: TaskHost): Life {
  const get = (key: TaskKey): RunningTask => getTask(host, key);
  return {
    create: async (namespace, id, task) => {
      checkOpen(host);
      checkIdentifier('a namespace', namespace);
      checkIdentifier('a container id', id);
      return await createTask(host, { namespace, id }, task);
    },
    start: async (process, signal) => await calls.startProcess(get(process), process.execId, signal),
    exec: async (namespace, id, exec) => await calls.addExec(get({ namespace, id }), exec),
    wait: async (process, signal) => await waitForExit(host, process, signal),
    state: async (process) => await readState(get(process), process.execId, host.context),
    list: async (namespace) => await listStates(host, namespace),
    has: (namespace, id) => host.registry.find({ namespace, id }) !== undefined,
    streamHolder: async (namespace, id) => await findHolder(host, { namespace, id }),
    delete: async (namespace, id, signal) => await deleteTask(host, get({ namespace, id }), signal),
    deleteExec: async (namespace, id, execId) => await calls.deleteExec(get({ namespace, id }), execId),
  };
}

type Controls = Pick<
  Tasks,
  'checkpoint' | 'kill' | 'resize' | 'closeStdin' | 'pause' | 'resume' | 'pids' | 'stats' | 'update'
>;

function controlsOf(host: TaskHost): Controls {
  const get = (key: TaskKey): RunningTask => getTask(host, key);
  return {
    kill: async (process, signal, { all = false } = {}) =>
      await calls.killProcess(get(process), { execId: process.execId, signal, all }),
    resize: async (process, size) => await calls.resizeTerminal(get(process), process.execId, size),
    closeStdin: async (process) => await calls.closeStdin(get(process), process.execId),
    pause: async (namespace, id) => await calls.pauseTask(get({ namespace, id })),
    resume: async (namespace, id) => await calls.resumeTask(get({ namespace, id })),
    checkpoint: async (namespace, id, wish) => await calls.checkpointTask(get({ namespace, id }), wish),
    pids: async (namespace, id) => await calls.listPids(get({ namespace, id })),
    stats: async (namespace, id) => await calls.readStats(get({ namespace, id }), host.context.limits.stats),
    update: async (namespace, id, resources, annotations) =>
      await calls.updateTask(get({ namespace, id }), resources, annotations),
  };
}

function forwarderOf({ context, registry }: TaskHost): Pick<Tasks, 'forward'> {
  const order = new EventOrder(context.events, registry);
  return {
    forward: ({ timestamp, namespace, topic, event }) =>
      order.forward({ timestamp, namespace, event: decodeTaskEvent(topic, event) }),
  };
}

function checkOpen({ closing }: TaskHost): void {
  if (closing.aborted) throw new EngineError('unavailable', 'Cannot reach any task: the daemon is stopping');
}

function getTask(host: TaskHost, key: TaskKey): RunningTask {
  checkOpen(host);
  return host.registry.get(key);
}

async function waitForExit(host: TaskHost, process: ProcessKey, signal?: AbortSignal): Promise<Exit> {
  signal?.throwIfAborted();
  const { exited } = await calls.findTracked(getTask(host, process), process.execId);
  return await onceOrAborted(exited, signal);
}

async function releaseLost({ context, lost }: TaskHost): Promise<void> {
  const tasks = [...lost.values()];
  lost.clear();
  for (const { bundle } of tasks)
    await removeBundle(bundle).catch((error: unknown) =>
      context.logger.warn('cannot remove a bundle', { task: taskName(bundle.key), error: messageOf(error) }),
    );
}

async function findHolder({ context, registry, binaries }: TaskHost, key: TaskKey): Promise<StreamHolder> {
  const running = registry.find(key)?.binary;
  const { runtime } = context.metadata.read.containers.get(key.namespace, key.id);
  const binary = running ?? (await binaries.find(runtime.name));
  return isBerthShim(binary) ? 'shim' : 'program';
}

async function listStates(host: TaskHost, namespace: string): Promise<ProcessState[]> {
  checkOpen(host);
  const tasks = host.registry.list().filter(({ key }) => key.namespace === namespace);
  const asked = await Promise.allSettled(tasks.map((task) => readState(task, '', host.context)));
  return asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}
