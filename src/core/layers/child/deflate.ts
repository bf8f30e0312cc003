import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openCodec } from '#/core/layers/child/codec.ts';
import type { Ring } from '#/core/layers/child/ring.ts';
import type { Compression } from '#/core/layers/contract.ts';

export interface Deflate {
  /** The open archive file. */
  readonly fd: number;
  readonly compression: Compression;
}

export interface Deflated {
  /** sha256 in hex of what was written. */
  readonly digest: string;
  readonly size: number;
}

const outputSize = 256 * 1024;

/** Compresses what comes over the ring into a file. Cancels the ring when it fails. */
export function deflate(ring: Ring, { fd, compression }: Deflate): Deflated {
  const hash = createHash('sha256');
  let size = 0;
  const write = (bytes: Uint8Array): void => {
    hash.update(bytes);
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    size += bytes.length;
  };
  try {
    if (compression === 'none') for (const chunk of ring.chunks('worker')) write(chunk);
    else compress(ring, compression, write);
    return { digest: hash.digest('hex'), size };
  } catch (error) {
    ring.cancel();
    throw error;
  }
}

function compress(ring: Ring, name: 'gzip' | 'zstd', write: (bytes: Uint8Array) => void): void {
  const codec = openCodec(name);
  const output = Buffer.allocUnsafeSlow(outputSize);
  const run = (input: Uint8Array, last: boolean): void => {
    for (let consumed = 0; ;) {
      const step = codec.step(input.subarray(consumed), output, last);
      consumed += step.consumed;
      write(output.subarray(0, step.produced));
      if (step.produced < outputSize) return;
    }
  };
  try {
    for (const chunk of ring.chunks('worker')) run(chunk, false);
    run(new Uint8Array(0), true);
  } finally {
    codec.close();
  }
}
