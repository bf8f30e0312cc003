import { readSync } from 'node:fs';
import { EngineError } from '#/base/errors.ts';
import { openCodec, type Codec } from '#/core/layers/child/codec.ts';
import { RingWriter, type Ring } from '#/core/layers/child/ring.ts';
import { expansionAdvice } from '#/core/layers/expansion.ts';
import type { Compression } from '#/core/layers/contract.ts';

export interface Inflate {
  /** The open blob. */
  readonly fd: number;
  readonly compression: Compression | 'detect';
  /** Uncompressed bytes after which it is refused. */
  readonly limit: number;
}

const inputSize = 256 * 1024;

/**
 * Reads a blob, decompresses it and puts it on the ring, which it ends, or cancels when it fails. `onProgress` hears
 * the bytes of the blob read so far.
 */
export function inflate(ring: Ring, job: Inflate, onProgress: (consumed: number) => void): void {
  try {
    const blob = new Blob(job.fd, onProgress);
    const output = new LimitedOutput(ring, job.limit);
    const compression = job.compression === 'detect' ? detectCompression(blob.peek()) : job.compression;
    if (compression === 'none') copyPlain(blob, output);
    else decompress(blob, output, compression);
    output.end();
  } catch (error) {
    ring.cancel();
    throw error;
  }
}

/** The file read forward, piece by piece. */
class Blob {
  readonly #fd: number;
  readonly #onProgress: (consumed: number) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(inputSize);
  #ahead: Uint8Array | undefined;
  #consumed = 0;

  constructor(fd: number, onProgress: (consumed: number) => void) {
    this.#fd = fd;
    this.#onProgress = onProgress;
  }

  /** The first piece, which the next `read` gives again. */
  peek(): Uint8Array {
    this.#ahead ??= this.read();
    return this.#ahead;
  }

  /** The next piece, empty at the end; valid until the next call. */
  read(): Uint8Array {
    const ahead = this.#ahead;
    if (ahead !== undefined) {
      this.#ahead = undefined;
      return ahead;
    }
    const count = readSync(this.#fd, this.#buffer, 0, inputSize, null);
    this.#consumed += count;
    this.#onProgress(this.#consumed);
    return this.#buffer.subarray(0, count);
  }
}

class LimitedOutput {
  readonly #writer: RingWriter;
  readonly #limit: number;

  constructor(ring: Ring, limit: number) {
    this.#writer = new RingWriter(ring);
    this.#limit = limit;
  }

  /** Undefined when the others have given up. */
  space(): Uint8Array | undefined {
    return this.#writer.space();
  }

  advance(count: number): void {
    this.#writer.advance(count);
    if (this.#writer.total > this.#limit)
      throw new EngineError(
        'resource-exhausted',
        `the layer is larger than the limit of ${this.#limit} bytes uncompressed; ${expansionAdvice}`,
      );
  }

  end(): void {
    this.#writer.end();
  }
}

function copyPlain(blob: Blob, output: LimitedOutput): void {
  for (let input = blob.read(); input.length > 0; input = blob.read()) {
    for (let done = 0; done < input.length;) {
      const space = output.space();
      if (space === undefined) return;
      const part = input.subarray(done, done + space.length);
      space.set(part);
      output.advance(part.length);
      done += part.length;
    }
  }
}

function decompress(blob: Blob, output: LimitedOutput, compression: 'gzip' | 'zstd'): void {
  const codec = openCodec(compression === 'gzip' ? 'gunzip' : 'unzstd');
  try {
    for (;;) {
      const input = blob.read();
      const isLast = input.length === 0;
      const consumed = pump(codec, input, output, isLast);
      if (consumed === undefined || isLast) return;
      if (consumed < input.length) return checkTail(blob, input.subarray(consumed), compression);
    }
  } finally {
    codec.close();
  }
}

/**
 * Runs one piece through. What is left of it then lies behind the end of the stream: both codecs go on by themselves
 * with another gzip member or zstd frame. Undefined when the others have given up.
 */
function pump(codec: Codec, input: Uint8Array, output: LimitedOutput, last: boolean): number | undefined {
  for (let consumed = 0; ;) {
    const space = output.space();
    if (space === undefined) return undefined;
    const step = codec.step(consumed === 0 ? input : input.subarray(consumed), space, last);
    consumed += step.consumed;
    output.advance(step.produced);
    if (step.produced < space.length) return consumed;
  }
}

/** Padding behind a stream is zeros; anything else means that it is not what was meant. */
function checkTail(blob: Blob, tail: Uint8Array, compression: string): void {
  for (let piece = tail; piece.length > 0; piece = blob.read())
    if (piece.some((byte) => byte !== 0))
      throw new EngineError('data-loss', `the ${compression} stream is followed by bytes that do not belong to it`);
}

/** By the first bytes: RFC 1952, RFC 8878 (a frame, or a skippable one before it). */
export function detectCompression(start: Uint8Array): Compression {
  const [a, b, c, d] = start;
  if (a === 0x1f && b === 0x8b) return 'gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd';
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd';
  return 'none';
}
