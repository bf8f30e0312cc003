import { readFile, stat } from 'node:fs/promises';
import { EngineError, errnoOf } from '#/base/errors.ts';

const mostFiles = 256;
const largestFile = 4 * 1024 * 1024;

/** Small files that people edit: read again when they changed, else from memory. */
export interface FileCache {
  /** The bytes; undefined where there is no such file. */
  find(path: string): Promise<Buffer | undefined>;
}

interface Cached {
  readonly stamp: string;
  readonly bytes: Buffer;
}

export function createFileCache(): FileCache {
  const files = new Map<string, Cached>();
  const read = async (path: string): Promise<Buffer> => {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    const stamp = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
    const cached = files.get(path);
    if (cached?.stamp === stamp) return cached.bytes;
    if (size > largestFile)
      throw new EngineError('failed-precondition', `Cannot read "${path}": it is larger than ${largestFile} bytes`);
    const bytes = await readFile(path);
    files.delete(path);
    files.set(path, { stamp, bytes });
    if (files.size > mostFiles) files.delete(files.keys().next().value ?? path);
    return bytes;
  };
  return {
    find: async (path) => {
      try {
        return await read(path);
      } catch (error) {
        const code = errnoOf(error);
        if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
        if (error instanceof EngineError) throw error;
        throw new EngineError('failed-precondition', `Cannot read "${path}": ${code ?? String(error)}`, {
          cause: error,
        });
      }
    },
  };
}
