import { setTimeout as delay } from 'node:timers/promises';
import { formatTime } from '#/base/clock.ts';
import { isKind, messageOf } from '#/base/errors.ts';
import { stdioEnded } from '#/core/tasks/stdio.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import { join } from 'node:path';
import { stdioDirectory } from '#/engine/container-files.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import { announce, inBackground, keyOf, liveOf, reload, saveState, type EngineContext } from '#/engine/context.ts';
import { removeLocked } from '#/engine/remove.ts';

/** How long output may take to arrive after the process has ended. */
const drainMilliseconds = 3000;

/** Waits for a running container's end, by itself, and records it. */
export function supervise(context: EngineContext, container: EngineContainer): void {
  const watching = watch(context, container);
  liveOf(context, container).supervision = watching;
  inBackground(context, `supervising container "${container.id}"`, watching);
}

async function watch(context: EngineContext, container: EngineContainer): Promise<void> {
  const { namespace, id } = container;
  let exit: Exit;
  try {
    exit = await context.tasks.wait({ namespace, id, execId: '' }, context.closing);
  } catch (error) {
    if (context.closing.aborted || isKind(error, 'unavailable') || isKind(error, 'cancelled')) return;
    context.logger.warn('a container ended unseen', { id, error: messageOf(error) });
    exit = { pid: 0, exitStatus: 255, exitedAt: BigInt(Date.now()) * 1_000_000n };
  }
  await outputDrained(context, id);
  await context.locks.run(keyOf(container), () => recordEnd(context, container, exit));
}

/** Resolves when all output is in the log and with those attached, or when that takes too long or cannot be told. */
export async function outputDrained(context: EngineContext, stdioId: string): Promise<void> {
  const stop = new AbortController();
  const socket = join(stdioDirectory(context, stdioId), 'socket');
  await Promise.race([
    stdioEnded(socket).catch((error: unknown) =>
      context.logger.warn('the end of a process’s output cannot be awaited', { stdioId, error: messageOf(error) }),
    ),
    delay(drainMilliseconds, undefined, { signal: stop.signal }).catch(() => {}),
  ]);
  stop.abort();
}

/** The state is durable before anybody is told. The caller holds the container's lock. */
async function recordEnd(context: EngineContext, container: EngineContainer, exit: Exit): Promise<void> {
  const { namespace, id } = container;
  if (context.metadata.read.containers.find(namespace, id) === undefined) return;
  const latest = reload(context, namespace, id);
  if (!isRunning(latest.state)) return;
  const live = liveOf(context, container);
  // Committed before the shim, which knows the exit too, is let go; the disk is awaited beside.
  const saving = saveState(context, latest, {
    kind: 'exited',
    exitCode: exit.exitStatus,
    error: '',
    oomKilled: live.oomKilled,
    startedAt: latest.state.startedAt,
    finishedAt: formatTime(exit.exitedAt),
  });
  await context.tasks.delete(namespace, id).catch((error: unknown) => {
    if (!isKind(error, 'not-found'))
      context.logger.warn('an ended task was not deleted', { id, error: messageOf(error) });
  });
  const ended = await saving;
  if (live.oomKilled) announce(context, ended, 'oom');
  announce(context, ended, 'die', { exitCode: String(exit.exitStatus) });
  for (const waiter of live.waiters) waiter({ kind: 'exited', exitCode: exit.exitStatus, error: '' });
  if (ended.record.hostConfig.AutoRemove) await removeLocked(context, ended);
}
