import { watch } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { dirname } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import { logPathOf } from '#/engine/container-files.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import type { EngineContext } from '#/engine/context.ts';
import { readLog, type LogEntry } from '#/engine/read-log.ts';
import { waitContainer } from '#/engine/wait.ts';

export interface LogRequest {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly tail?: number;
  readonly since?: Nanoseconds;
  readonly until?: Nanoseconds;
}

/** Should a change be told late or not at all, the log is looked at again after this. */
const lookAgainMilliseconds = 1000;

/** Throws `invalid-argument` for a container whose log nobody keeps. */
export function requireReadableLog(container: EngineContainer): void {
  const driver = container.record.hostConfig.LogConfig.Type;
  if (driver === 'none')
    throw new EngineError(
      'invalid-argument',
      `Cannot read the log of container "${container.record.name}": configured logging driver does not support reading (its driver is "none")`,
    );
}

/** The log of a container, from its beginning or tail, then as it grows until the container ends. */
export async function* containerLog(
  context: EngineContext,
  container: EngineContainer,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  requireReadableLog(container);
  const path = logPathOf(context, container);
  if (!request.follow || !isRunning(container.state)) {
    yield* readLog(path, request);
    return;
  }
  const growth = watchGrowth(context, container, path, signal);
  try {
    yield* readLog(path, { ...request, waitForMore: growth.waitForMore });
  } finally {
    growth.stop();
  }
}

interface Growth {
  readonly waitForMore: () => Promise<boolean>;
  stop(): void;
}

function watchGrowth(context: EngineContext, container: EngineContainer, path: string, signal: AbortSignal): Growth {
  const over = new AbortController();
  let ended = false;
  let changed = Promise.withResolvers<void>();
  const wake = (): void => changed.resolve();
  const watcher = watch(dirname(path), { persistent: false }, wake);
  watcher.on('error', wake);
  const stop = (): void => {
    ended = true;
    wake();
  };
  waitContainer(context, container.namespace, container.id, 'not-running', AbortSignal.any([signal, over.signal])).then(
    stop,
    stop,
  );
  return {
    waitForMore: async () => {
      if (ended) return false;
      await Promise.race([
        changed.promise,
        delay(lookAgainMilliseconds, undefined, { signal: over.signal }).catch(() => {}),
      ]);
      changed = Promise.withResolvers<void>();
      return !ended;
    },
    stop: () => {
      watcher.close();
      over.abort();
    },
  };
}
