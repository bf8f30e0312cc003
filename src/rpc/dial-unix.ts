import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { EngineError } from '#/base/errors.ts';

export interface DialOptions {
  readonly signal?: AbortSignal;
}

/** Connects to a unix socket: a path, or `unix://` and a path. Throws `unavailable` when nobody answers. */
export async function dialUnix(address: string, { signal }: DialOptions = {}): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = connect({ path: address.replace(/^unix:\/\//, '') });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal?.reason);
  socket.once('connect', resolve).once('error', reject);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw new EngineError('unavailable', `Cannot connect to "${address}"`, { cause: error });
  } finally {
    socket.off('error', reject);
    signal?.removeEventListener('abort', onAbort);
  }
}
