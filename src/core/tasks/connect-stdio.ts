import { open, type FileHandle } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { AttachStdio } from '#/core/tasks/stdio.ts';

const longestPath = 107;
const helloMilliseconds = 10_000;

/** `BRT1`, what is wanted, three zeros; the owner answers one zero byte when the client is in. */
function hello({ stdin, stdout, stderr, raw, once }: AttachStdio): Buffer {
  const flags = (stdin ? 1 : 0) | (stdout ? 2 : 0) | (stderr ? 4 : 0) | (raw ? 8 : 0) | (once ? 16 : 0);
  return Buffer.from([...Buffer.from('BRT1'), flags, 0, 0, 0]);
}

/** Connects to the owner of a process's streams. Throws `unavailable` when nobody answers. */
export async function connectStdio(socketPath: string, wish: AttachStdio): Promise<Socket> {
  await using directory =
    Buffer.byteLength(socketPath) > longestPath ? await open(dirname(socketPath), 'r') : undefined;
  const socket = connect({ path: shortPath(socketPath, directory), allowHalfOpen: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why: string, cause?: unknown): void =>
    reject(new EngineError('unavailable', `Cannot attach to "${socketPath}": ${why}`, { cause }));
  const timeout = setTimeout(() => fail('its owner does not answer'), helloMilliseconds);
  socket.on('error', (error) => fail(error.message, error));
  socket.on('close', () => fail('its owner hung up'));
  socket.once('connect', () => socket.write(hello(wish)));
  socket.on('readable', () => {
    const answer = socket.read(1) as Buffer | null;
    if (answer === null) return;
    socket.removeAllListeners('readable');
    if (answer[0] === 0) resolve();
    else fail(`its owner answered ${answer[0]}`);
  });
  try {
    await promise;
    for (const event of ['error', 'close']) socket.removeAllListeners(event);
    return socket;
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timeout);
  }
}

/** A socket's path has 107 bytes at most: a longer one is reached through its open directory. */
function shortPath(path: string, directory: FileHandle | undefined): string {
  return directory === undefined ? path : `/proc/self/fd/${directory.fd}/${basename(path)}`;
}
