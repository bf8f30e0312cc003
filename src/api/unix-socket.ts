import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';

const longestPath = 107;

/**
 * Listens on a unix socket that only its owner and group may use (0660). A socket file that nobody answers on is a dead
 * daemon's and is replaced; one that answers is refused with `already-exists`.
 */
export async function listenUnix(server: Server, path: string, gid = 0): Promise<void> {
  if (Buffer.byteLength(path) > longestPath)
    throw new EngineError(
      'invalid-argument',
      `Cannot listen on "${path}": a socket's path has at most ${longestPath} bytes; choose a shorter --state or address`,
    );
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  if (await answers(path))
    throw new EngineError('already-exists', `Cannot listen on "${path}": another daemon answers there`);
  await rm(path, { force: true });
  const before = process.umask(0o117);
  try {
    await listen(server, path);
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o660);
  await chown(path, 0, gid);
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(path, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new EngineError('unavailable', `Cannot listen on "${path}": ${errnoOf(cause) ?? 'unknown error'}`, { cause });
  } finally {
    server.off('error', reject);
  }
}

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => resolve(true));
  socket.on('error', () => resolve(false));
  const result = await promise;
  socket.destroy();
  return result;
}
