import { open } from 'node:fs/promises';
import { EngineError, errnoOf } from '#/base/errors.ts';
import { addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

/**
 * Takes a lock file for this process, without waiting; disposing gives it back, and so does the end of the process in
 * any way. `failed-precondition` when another holds it, whose pid the message tells. The file stays.
 */
export async function lockFile(path: string): Promise<AsyncDisposable> {
  const file = await open(path, 'a+', 0o600);
  try {
    checkCall(addon().lockExclusive(file.fd), 'flock', { path });
    await file.truncate();
    await file.write(`${process.pid}\n`);
    return { [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    await file.close();
    if (errnoOf(error) !== 'EAGAIN') throw error;
    const holder = /^\d+/.exec(buffer.toString('latin1', 0, bytesRead))?.[0];
    const who = holder === undefined ? 'another process' : `process ${holder}`;
    throw new EngineError('failed-precondition', `Cannot lock "${path}": ${who} holds it`, { cause: error });
  }
}
