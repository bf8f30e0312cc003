import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatTime, now } from '#/base/clock.ts';
import { errnoOf, isKind, messageOf } from '#/base/errors.ts';
import type { ProcessState } from '#/core/tasks/contract.ts';
import { stopStrayStdio } from '#/core/tasks/stdio.ts';
import { stdioDirectory } from '#/engine/container-files.ts';
import { findEngineContainer, isRunning, type EngineContainer } from '#/engine/container-record.ts';
import { keyOf, saveState, type EngineContext } from '#/engine/context.ts';
import { undoCreate } from '#/engine/create.ts';
import { sigkill } from '#/engine/kill.ts';
import { recallExec } from '#/engine/recall-exec.ts';
import { removeLocked } from '#/engine/remove.ts';
import { supervise } from '#/engine/supervise.ts';

/**
 * Makes records and reality agree after a start: what was half-made is undone, what was half-removed is removed, what
 * runs is watched again, and what ended meanwhile is recorded with the exit code that its shim kept.
 */
export async function reconcile(context: EngineContext): Promise<void> {
  const containers = allContainers(context);
  await Promise.all(containers.map((container) => reconcileOne(context, container)));
  await context.tasks.releaseLost();
  const execs = await recallExecs(context);
  await Promise.all([removeStrayStdio(context, execs), removeStrayFiles(context)]);
}

function allContainers(context: EngineContext): EngineContainer[] {
  const { read } = context.metadata;
  return read
    .listNamespaces()
    .flatMap(({ name }) => read.containers.list(name).flatMap((core) => findEngineContainer(name, core) ?? []));
}

async function reconcileOne(context: EngineContext, container: EngineContainer): Promise<void> {
  try {
    await context.locks.run(keyOf(container), () => settle(context, container));
  } catch (error) {
    context.logger.error('a container could not be brought into order', { id: container.id, error: messageOf(error) });
  }
}

async function settle(context: EngineContext, container: EngineContainer): Promise<void> {
  const { namespace, id, state } = container;
  const task = await findTask(context, container);
  switch (state.kind) {
    case 'creating':
      return undoCreate(context, container);
    case 'running':
      if (task === undefined) return recordLostTask(context, container);
      if (task.status === 'created') return takeBackStart(context, container);
      return supervise(context, container);
    case 'exited':
      if (task === undefined || task.status === 'stopped') return finishEnd(context, container, task);
      return adopt(context, container, task);
    case 'created':
      return task === undefined ? undefined : adopt(context, container, task);
  }
  throw new Error(`unreachable: container ${namespace}/${id}`);
}

/** What follows from an end that is on record, of which a crash may have cut something off. */
async function finishEnd(
  context: EngineContext,
  container: EngineContainer,
  task: ProcessState | undefined,
): Promise<void> {
  if (task !== undefined) await context.tasks.delete(container.namespace, container.id);
  if (container.record.hostConfig.AutoRemove) await removeLocked(context, container);
}

/** A task whose start the record does not tell of yet. */
async function adopt(context: EngineContext, container: EngineContainer, task: ProcessState): Promise<void> {
  if (task.status === 'created') return endTask(context, container);
  context.logger.info('a container that was just starting is adopted', { id: container.id });
  const running = { kind: 'running', pid: task.pid, startedAt: formatTime(now()), paused: false } as const;
  supervise(context, await saveState(context, container, running));
}

async function findTask(context: EngineContext, { namespace, id }: EngineContainer): Promise<ProcessState | undefined> {
  if (!context.tasks.has(namespace, id)) return undefined;
  return context.tasks.state({ namespace, id, execId: '' });
}

async function endTask(context: EngineContext, { namespace, id }: EngineContainer): Promise<void> {
  const key = { namespace, id, execId: '' };
  await context.tasks.kill(key, sigkill, { all: true }).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
  await context.tasks.wait(key, context.closing);
  await context.tasks.delete(namespace, id);
}

/** The daemon died when it had the task created and not yet started: nobody was told that it runs. */
async function takeBackStart(context: EngineContext, container: EngineContainer): Promise<void> {
  await endTask(context, container);
  await saveState(context, container, { kind: 'created', exitCode: 0, error: '' });
}

/** The shim is gone, and has written down how the container ended; after a reboot nobody knows the exit code any more. */
async function recordLostTask(context: EngineContext, container: EngineContainer): Promise<void> {
  const { state } = container;
  if (!isRunning(state)) return;
  const exit = context.tasks.findLost(container.namespace, container.id);
  const lost = await saveState(context, container, {
    kind: 'exited',
    exitCode: exit?.exitStatus ?? 255,
    error: exit === undefined ? 'the container ended while berthd was away, and its shim with it' : '',
    oomKilled: false,
    startedAt: state.startedAt,
    finishedAt: formatTime(exit?.exitedAt ?? now()),
  });
  if (lost.record.hostConfig.AutoRemove) await removeLocked(context, lost);
}

/** Takes over the processes that were added to containers and are still there; answers their ids. */
async function recallExecs(context: EngineContext): Promise<string[]> {
  const parent = join(context.state, 'stdio');
  const recalled = (await namesIn(parent)).map((name) => recallExec(context, join(parent, name)));
  return (await Promise.all(recalled)).filter((id) => id !== undefined);
}

/** Streams of processes that no container has any more: of execs, and of starts that were cut short. */
async function removeStrayStdio(context: EngineContext, execs: readonly string[]): Promise<void> {
  const parent = join(context.state, 'stdio');
  const containers = allContainers(context).filter(({ state }) => isRunning(state));
  const ids = [...containers.map(({ id }) => id), ...execs];
  const running = new Set(ids.map((id) => stdioDirectory(context, id)));
  for (const name of await namesIn(parent)) {
    const directory = join(parent, name);
    if (running.has(directory)) continue;
    await stopStrayStdio(directory);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Files of containers that were removed while nobody could remove those too. */
async function removeStrayFiles(context: EngineContext): Promise<void> {
  const parent = join(context.root, 'containers');
  for (const namespace of await namesIn(parent)) {
    const known = new Set(context.metadata.read.containers.list(namespace).map(({ id }) => id));
    for (const id of await namesIn(join(parent, namespace)))
      if (!known.has(id)) await rm(join(parent, namespace, id), { recursive: true, force: true });
  }
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
}
