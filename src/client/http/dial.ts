import { connect, type Socket } from 'node:net';
import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nobody listens on it',
  EACCES: 'permission denied',
};

/**
 * Opens a connection to a unix socket. A failure is `unavailable` (`permission-denied` for EACCES) and carries the
 * system's error as its cause. Aborting `signal` breaks the connection at any later time too.
 */
export function dialUnix(path: string, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(asError(signal.reason));
      return;
    }
    const socket = connect({ path, allowHalfOpen: true });
    const abort = (): void => void socket.destroy(asError(signal?.reason));
    signal?.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal?.removeEventListener('abort', abort));
    const fail = (error: Error): void => reject(signal?.aborted === true ? error : dialFailure(path, error));
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function dialFailure(path: string, error: Error): EngineError {
  const errno = errnoOf(error) ?? '';
  const known = reasons[errno];
  // The system's own words stay in, so that they are not told again as the cause.
  const why = known === undefined ? messageOf(error) : `${known} (${messageOf(error)})`;
  const kind = errno === 'EACCES' ? 'permission-denied' : 'unavailable';
  return new EngineError(kind, `Cannot connect to "${path}": ${why}`, { cause: error });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new EngineError('cancelled', 'the request was cancelled');
}
