import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import type { ListenOptions, Server } from 'node:net';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';

export interface UnixAddress {
  readonly path: string;
  /** User and group that may use the socket; default: the daemon's own. */
  readonly uid?: number;
  readonly gid?: number;
  /** A socket that listens there already, with the owners and the mode that it has. */
  readonly fd?: number;
}

/** sun_path has 108 bytes, the last one a zero. */
const longestPath = 107;
const socketMode = 0o660;

/**
 * Listens on a unix socket that owner and group may use. A socket file that nobody answers on is a dead daemon's and is
 * replaced; one that somebody answers on is `already-exists`.
 */
export async function listenUnix(server: Server, { path, uid, gid, fd }: UnixAddress): Promise<void> {
  if (fd !== undefined) return await listenOn(server, { fd });
  if (Buffer.byteLength(path) > longestPath)
    throw new EngineError(
      'invalid-argument',
      `Cannot listen on "${path}": a unix socket path has at most ${longestPath} bytes; choose a shorter state directory`,
    );
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o711 });
    await removeStale(path);
    await listenPrivately(server, path);
    if (uid !== undefined || gid !== undefined) await chown(path, uid ?? -1, gid ?? -1);
    await chmod(path, socketMode);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError('unavailable', `Cannot listen on "${path}"`, { cause: error });
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new EngineError('already-exists', `Cannot listen on "${path}": a file that is no socket is there`);
  if (await answers(path))
    throw new EngineError(
      'already-exists',
      `Cannot listen on "${path}": another daemon answers there; stop it, or choose another state directory`,
    );
  await rm(path, { force: true });
}

async function answers(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    return await new Promise<boolean>((resolve, reject) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', (error) => {
        const code = errnoOf(error);
        if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
        else if (code === 'EAGAIN') resolve(true);
        else reject(error);
      });
    });
  } finally {
    socket.destroy();
  }
}

/** The socket is made with mode 0600, so that nobody else connects before owner and group are right. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  let listening: Promise<void>;
  try {
    listening = listenOn(server, { path, backlog: 4096 });
  } finally {
    process.umask(mask);
  }
  await listening;
}

/** Binds before it gives the loop back. */
async function listenOn(server: Server, options: ListenOptions & { readonly fd?: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options, () => {
    server.off('error', reject);
    resolve();
  });
  await promise;
}
