import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { EngineError } from '#/base/errors.ts';
import { pathBytes } from '#/core/layers/child/file-status.ts';
import { quoteName } from '#/oci/tar-entry.ts';

export interface RegularFile extends Disposable {
  readonly fd: number;
  readonly size: number;
}

/** Opens a file of a tree that somebody may be changing: never a link, never anything but a regular file. */
export function openRegularFile(path: string): RegularFile {
  const fd = openSync(pathBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const status = fstatSync(fd);
  if (status.isFile()) return { fd, size: status.size, [Symbol.dispose]: () => closeSync(fd) };
  closeSync(fd);
  throw new EngineError('aborted', `${quoteName(path)} was replaced while it was read`);
}
