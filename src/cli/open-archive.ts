import { open } from 'node:fs/promises';
import { EngineError, messageOf } from '#/base/errors.ts';

const chunkSize = 256 * 1024;

/** The bytes of a file. Throws at once, and not while they are read, when there is none. */
export async function openArchive(path: string): Promise<AsyncIterable<Buffer>> {
  try {
    const file = await open(path, 'r');
    if (!(await file.stat()).isDirectory())
      return file.createReadStream({ highWaterMark: chunkSize }) as AsyncIterable<Buffer>;
    await file.close();
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot load "${path}": ${messageOf(error)}`, { cause: error });
  }
  throw new EngineError('invalid-argument', `Cannot load "${path}": it is a directory, not an archive`);
}
