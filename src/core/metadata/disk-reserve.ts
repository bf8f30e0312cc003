import { randomBytes } from 'node:crypto';
import { fstatSync, ftruncateSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';

/**
 * A file beside the metadata whose only use is to be cut shorter when the disk is full: on such a disk records could
 * else not even be deleted, and what a failed pull has left could not be taken back.
 */
export interface DiskReserve extends AsyncDisposable {
  /** Gives a part of the reserve back to the disk, at once; false when nothing is left. It grows again by itself. */
  give(): boolean;
}

const part = 128 * 1024;
const whole = 8 * part;
const growAgainMs = 5000;

const random = promisify(randomBytes);

/** Opens the reserve at `path`. A disk without room for it now is tried again later. */
export async function openDiskReserve(path: string, logger: Logger): Promise<DiskReserve> {
  const file = await open(path, 'a+', 0o600);
  let growing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const growLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      growing = grow(file).catch((error: unknown) => {
        logger.debug('no room for the reserve of the metadata yet', { path, error: messageOf(error) });
        growLater();
      });
    }, growAgainMs).unref();
  };
  growing = grow(file).catch(growLater);
  return {
    give: () => {
      const { size } = fstatSync(file.fd);
      if (size === 0) return false;
      ftruncateSync(file.fd, Math.max(0, size - part));
      growLater();
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await growing;
      await file.close();
    },
  };
}

/** Chance cannot be compressed or kept as a hole, so that what is given back later is real. */
async function grow(file: FileHandle): Promise<void> {
  for (let { size } = await file.stat(); size < whole; { size } = await file.stat()) {
    const bytes = await random(Math.min(part, whole - size));
    try {
      await file.write(bytes);
    } catch (error) {
      await file.truncate(size);
      throw error;
    }
  }
  await file.datasync();
}
