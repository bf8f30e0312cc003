import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '#/base/errors.ts';
import { parseSignal } from '#/linux/signals.ts';
import { isRunning } from '#/engine/container-record.ts';
import { announce, type EngineContext } from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';
import { sigkill, signalTask, thaw } from '#/engine/kill.ts';
import { waitContainer } from '#/engine/wait.ts';

export interface StopOptions {
  /** Seconds until SIGKILL; negative waits for ever. */
  readonly timeout?: number;
  readonly signal?: string;
}

const defaultTimeout = 10;

/** Asks the container to end, then makes it. Throws `not-modified` when it does not run. */
export async function stopContainer(
  context: EngineContext,
  namespace: string,
  name: string,
  options: StopOptions,
): Promise<void> {
  const container = findContainer(context, namespace, name);
  if (!isRunning(container.state)) throw new EngineError('not-modified', `Container "${name}" is not running`);
  const { config } = container.record;
  const signal = parseSignal(options.signal ?? config.StopSignal ?? 'SIGTERM');
  const seconds = options.timeout ?? config.StopTimeout ?? defaultTimeout;
  const ended = waitContainer(context, namespace, container.id, 'not-running');
  await signalTask(context, container, signal);
  await thaw(context, container);
  announce(context, container, 'kill', { signal: String(signal) });
  if (!(await endsWithin(ended, seconds))) {
    await signalTask(context, container, sigkill);
    announce(context, container, 'kill', { signal: String(sigkill) });
    await ended;
  }
  announce(context, container, 'stop');
}

async function endsWithin(ended: Promise<unknown>, seconds: number): Promise<boolean> {
  if (seconds < 0) return ended.then(() => true);
  const cancel = new AbortController();
  const late = delay(seconds * 1000, false, { signal: cancel.signal }).catch(() => false);
  const inTime = await Promise.race([ended.then(() => true), late]);
  cancel.abort();
  return inTime;
}
