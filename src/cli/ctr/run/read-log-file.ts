import { open, type FileHandle } from 'node:fs/promises';

export interface LogWish {
  readonly path: string;
  /** Lines from the end; undefined for all. */
  readonly tail: number | undefined;
  /** Goes on after the end until aborted, and then to the end once more; undefined stops at the end. */
  readonly until: AbortSignal | undefined;
}

const pieceSize = 64 * 1024;
const pause = 100;

/** The bytes of a log. One that is not there yet is empty. */
export async function* readLogFile({ path, tail, until }: LogWish): AsyncGenerator<Uint8Array> {
  await using file = await open(path, 'r');
  let at = tail === undefined ? 0 : await startOfLines(file, tail);
  for (;;) {
    const last = until === undefined || until.aborted;
    for (;;) {
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(pieceSize), position: at });
      if (bytesRead === 0) break;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (last) return;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Where the last so many lines begin. */
async function startOfLines(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines <= 0) return size;
  let missing = lines;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - pieceSize);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(end - start), position: start });
    for (let index = bytesRead - 1; index >= 0; index--) {
      const isEnd = start + index === size - 1;
      if (buffer[index] === 0x0a && !isEnd && --missing <= 0) return start + index + 1;
    }
    end = start;
  }
  return 0;
}
