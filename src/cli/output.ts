import { write as writeAsync, writeSync } from 'node:fs';
import { errnoOf } from '#/base/errors.ts';

/** Nobody reads our output any more (`berth ps | head -1`): the program ends quietly. */
export class BrokenPipe extends Error {}

/** Standard output or error. */
export interface Output {
  /** Whole lines, at once: for the short texts of commands. */
  line(text: string): void;
  /** As it is, at once. */
  text(text: string): void;
  /** Bytes at the reader's pace, without holding up the event loop. */
  write(data: Uint8Array): Promise<void>;
}

const longestWait = 50;

export function openOutput(fd: number): Output {
  return {
    line: (text) => writeAllSync(fd, Buffer.from(`${text}\n`)),
    text: (text) => writeAllSync(fd, Buffer.from(text)),
    write: (data) => writeAll(fd, data),
  };
}

/** A pipe may have been made non-blocking by whoever shares it; a full one then says EAGAIN. */
function writeAllSync(fd: number, data: Uint8Array): void {
  let wait = 1;
  for (let at = 0; at < data.length;) {
    try {
      at += writeSync(fd, data, at);
      wait = 1;
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw asBrokenPipe(error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, wait);
      wait = Math.min(wait * 2, longestWait);
    }
  }
}

async function writeAll(fd: number, data: Uint8Array): Promise<void> {
  let wait = 1;
  for (let at = 0; at < data.length;) {
    try {
      at += await writeSome(fd, data.subarray(at));
      wait = 1;
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw asBrokenPipe(error);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, longestWait);
    }
  }
}

function writeSome(fd: number, data: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    writeAsync(fd, data, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}

function asBrokenPipe(error: unknown): unknown {
  return errnoOf(error) === 'EPIPE' ? new BrokenPipe('the reader of our output is gone', { cause: error }) : error;
}
