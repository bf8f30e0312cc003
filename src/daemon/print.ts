import { writeSync } from 'node:fs';
import { errnoOf } from '#/base/errors.ts';

/** Standard output and error of a daemon may be a pipe that nobody reads any more: that must not end it. */
function write(descriptor: number, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch (error) {
    if (!['EPIPE', 'EAGAIN', 'EBADF', 'ENOSPC'].includes(errnoOf(error) ?? '')) throw error;
  }
}

export function print(text: string): void {
  write(1, text);
}

/** One line. */
export function printError(line: string): void {
  write(2, line.endsWith('\n') ? line : `${line}\n`);
}
