import type { Socket } from 'node:net';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { attachStdio } from '#/core/tasks/stdio.ts';
import { stdioDirectory } from '#/engine/container-files.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import { announce, liveOf, type EngineContext, type PendingAttach } from '#/engine/context.ts';
import type { Config } from '#/engine/docker-config.ts';
import { findContainer } from '#/engine/find-container.ts';

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface Attachment {
  readonly container: EngineContainer;
  /**
   * The streams: Docker's multiplexed frames, or raw bytes of a terminal. Resolves at once for a running container,
   * else when it starts, before its first byte is written. Rejects when it is removed or the start fails.
   */
  readonly stream: Promise<Socket>;
}

/** A terminal stays open when somebody leaves it; a pipe ends with the input of the one it was made for. */
export function endsWithInput({ OpenStdin, StdinOnce, Tty }: Config): boolean {
  return OpenStdin && StdinOnce && !Tty;
}

/** Registered before this function gives way, so that a start right afterwards finds it. */
export function attachContainer(
  context: EngineContext,
  namespace: string,
  name: string,
  options: AttachOptions,
  signal: AbortSignal,
): Attachment {
  const container = findContainer(context, namespace, name);
  const { config } = container.record;
  const connect = async (socketPath: string): Promise<Socket> => {
    const stdin = options.stdin && config.OpenStdin;
    const stdout = options.stdout || (options.stderr && config.Tty);
    return attachStdio(socketPath, { ...options, stdin, stdout, raw: config.Tty, once: endsWithInput(config) });
  };
  const stream = isRunning(container.state)
    ? connect(join(stdioDirectory(context, container.id), 'socket'))
    : connectAtStart(context, container, connect, signal);
  announce(context, container, 'attach');
  return { container, stream };
}

function connectAtStart(
  context: EngineContext,
  container: EngineContainer,
  connect: (socketPath: string) => Promise<Socket>,
  signal: AbortSignal,
): Promise<Socket> {
  const { pending } = liveOf(context, container);
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const attach: PendingAttach = {
    connect: async (socketPath) => {
      try {
        resolve(await connect(socketPath));
      } catch (error) {
        reject(error);
      }
    },
    cancel: reject,
  };
  pending.add(attach);
  signal.addEventListener(
    'abort',
    () => {
      pending.delete(attach);
      reject(new EngineError('cancelled', `Stopped waiting for container "${container.record.name}" to start`));
    },
    { once: true },
  );
  return promise;
}
