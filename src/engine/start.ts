import { mkdir, rm } from 'node:fs/promises';
import { formatTime, now } from '#/base/clock.ts';
import { describeFailure, EngineError, isKind, messageOf } from '#/base/errors.ts';
import type { Stdio } from '#/core/tasks/contract.ts';
import { makeStreams, type Streams, type WantedStreams } from '#/core/tasks/stdio.ts';
import { sigkill } from '#/engine/kill.ts';
import { endsWithInput } from '#/engine/attach.ts';
import { containerDirectory, logPathOf, stdioDirectory } from '#/engine/container-files.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import { announce, getSnapshotter, keyOf, liveOf, saveState, type EngineContext } from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';
import { letGoOfInput } from '#/engine/let-go-of-input.ts';
import { logOptionsOf } from '#/engine/log-options.ts';
import { removeLocked } from '#/engine/remove.ts';
import { supervise } from '#/engine/supervise.ts';

/** Starts a created or exited container. Throws `not-modified` when it runs already. */
export async function startContainer(context: EngineContext, namespace: string, name: string): Promise<void> {
  const { id } = findContainer(context, namespace, name);
  await context.locks.run(keyOf({ namespace, id }), async () => {
    const container = findContainer(context, namespace, id);
    if (isRunning(container.state)) throw new EngineError('not-modified', `Container "${name}" is running already`);
    await startLocked(context, container);
  });
}

/** The caller holds the container's lock. */
export async function startLocked(context: EngineContext, container: EngineContainer): Promise<EngineContainer> {
  try {
    const running = await run(context, container);
    announce(context, running, 'start');
    supervise(context, running);
    return running;
  } catch (error) {
    throw await failedStart(context, container, error);
  }
}

async function run(context: EngineContext, container: EngineContainer): Promise<EngineContainer> {
  liveOf(context, container).oomKilled = false;
  const streams = await makeContainerStreams(context, container);
  const creating = createTask(context, container, streams.stdio);
  const [held, task] = await Promise.allSettled([
    streams.hold(creating).then(() => connectPending(context, container, streams)),
    creating,
  ]);
  try {
    if (task.status === 'rejected') throw task.reason;
    if (held.status === 'rejected') {
      await deleteCreated(context, container);
      throw held.reason;
    }
    // A daemon that dies between the two finds a task that was created only, and takes the start back.
    const [running] = await Promise.all([
      saveState(context, container, { kind: 'running', pid: task.value, startedAt: formatTime(now()), paused: false }),
      startCreated(context, container),
    ]);
    return running;
  } catch (error) {
    await streams.stop();
    throw error;
  }
}

/** Resolves with the pid of the first process, which waits to be started. */
async function createTask(
  context: EngineContext,
  { namespace, id, core }: EngineContainer,
  stdio: Stdio,
): Promise<number> {
  const rootfs = await getSnapshotter(context, core.snapshotter).mounts(namespace, core.snapshotKey);
  const { pid } = await context.tasks.create(namespace, id, { rootfs, stdio });
  await letGoOfInput(context, { namespace, id, execId: '' }, stdio);
  return pid;
}

async function startCreated(context: EngineContext, container: EngineContainer): Promise<void> {
  try {
    await context.tasks.start({ namespace: container.namespace, id: container.id, execId: '' });
  } catch (error) {
    await deleteCreated(context, container);
    throw error;
  }
}

/** Takes back a task that was created and will not be started. */
async function deleteCreated(context: EngineContext, { namespace, id }: EngineContainer): Promise<void> {
  await context.tasks.kill({ namespace, id, execId: '' }, sigkill).catch(() => {});
  await context.tasks.delete(namespace, id).catch((failure: unknown) => {
    context.logger.warn('a task that did not start was not deleted', { id, error: messageOf(failure) });
  });
}

function wantedStreams(context: EngineContext, container: EngineContainer): WantedStreams {
  const { config, hostConfig } = container.record;
  const logging =
    hostConfig.LogConfig.Type === 'none'
      ? {}
      : { logPath: logPathOf(context, container), logOptions: logOptionsOf(hostConfig.LogConfig) };
  return {
    directory: stdioDirectory(context, container.id),
    terminal: config.Tty,
    openStdin: config.OpenStdin,
    stdinOnce: endsWithInput(config),
    stderr: !config.Tty,
    ...logging,
  };
}

/** An earlier run's streams make room for fresh ones. */
async function makeContainerStreams(context: EngineContext, container: EngineContainer): Promise<Streams> {
  const wanted = wantedStreams(context, container);
  const [holder] = await Promise.all([
    context.tasks.streamHolder(container.namespace, container.id),
    rm(wanted.directory, { recursive: true, force: true }),
    mkdir(containerDirectory(context, container), { recursive: true, mode: 0o710 }),
  ]);
  return makeStreams(wanted, { holder, binary: context.stdioBinary });
}

/** Whoever asked to attach before the start is connected before the first byte is written. */
async function connectPending(
  context: EngineContext,
  container: EngineContainer,
  { socketPath }: Streams,
): Promise<void> {
  const { pending } = liveOf(context, container);
  const waiting = [...pending];
  pending.clear();
  await Promise.all(waiting.map((attach) => attach.connect(socketPath)));
}

/** Leaves the container as it was, with the reason on record, and makes the error that the person reads. */
async function failedStart(context: EngineContext, container: EngineContainer, error: unknown): Promise<EngineError> {
  const failure = describeFailure(`Cannot start container "${container.record.name}"`, error);
  const exitCode = exitCodeOfFailure(failure.message);
  const live = liveOf(context, container);
  for (const attach of live.pending) attach.cancel(failure);
  live.pending.clear();
  await saveState(context, container, { kind: 'created', exitCode, error: failure.message }).catch((cause: unknown) => {
    if (!isKind(cause, 'not-found'))
      context.logger.error('a failed start was not recorded', { id: container.id, error: messageOf(cause) });
  });
  for (const waiter of live.waiters) waiter({ kind: 'exited', exitCode, error: failure.message });
  if (container.record.hostConfig.AutoRemove) await removeLocked(context, container);
  return failure;
}

/** The codes that shells and Docker use: 127 for what was not found, 126 for what cannot be run. */
function exitCodeOfFailure(message: string): number {
  if (/executable file not found|no such file or directory/i.test(message)) return 127;
  if (/permission denied|exec format error|is a directory/i.test(message)) return 126;
  return 128;
}
