import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { EngineError } from '#/base/errors.ts';

export type CodecName = 'gzip' | 'gunzip' | 'zstd' | 'unzstd';

/** How far one step came. */
export interface CodecStep {
  readonly consumed: number;
  readonly produced: number;
}

/** A compressor or decompressor that works on the calling thread, from memory to memory. */
export interface Codec {
  /** Does as much as input and output allow. With `last`, the end of the stream is written, or must have been seen. */
  step(input: Uint8Array, output: Uint8Array, last: boolean): CodecStep;
  close(): void;
}

/**
 * The part of node:zlib that its sync functions use themselves; its streams would copy, allocate and change threads. A
 * failed step calls its `onerror`.
 */
interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
}

interface Streams {
  readonly open: () => object;
  readonly last: number;
}

const streams: Readonly<Record<CodecName, Streams>> = {
  gzip: { open: () => createGzip(), last: constants.Z_FINISH },
  gunzip: { open: () => createGunzip(), last: constants.Z_FINISH },
  zstd: { open: () => createZstdCompress(), last: constants.ZSTD_e_end },
  unzstd: { open: () => createZstdDecompress(), last: constants.ZSTD_e_end },
};

/** Throws `data-loss` from `step` for a stream that does not decompress. */
export function openCodec(name: CodecName): Codec {
  const { open, last: lastFlush } = streams[name];
  const stream = open() as { _handle?: Handle; _writeState?: Uint32Array; close?: () => void };
  const { _handle: handle, _writeState: left } = stream;
  if (typeof handle?.writeSync !== 'function' || left === undefined)
    throw new EngineError(
      'unimplemented',
      `Cannot open ${name}: Node ${process.version} has no synchronous zlib handle`,
    );
  let failure: string | undefined;
  Object.assign(handle, { onerror: (message: string) => (failure = message) });
  return {
    step(input, output, last) {
      handle.writeSync(last ? lastFlush : 0, input, 0, input.length, output, 0, output.length);
      if (failure !== undefined) throw new EngineError('data-loss', `the ${name} stream is damaged: ${failure}`);
      const [outputLeft = 0, inputLeft = 0] = left;
      return { consumed: input.length - inputLeft, produced: output.length - outputLeft };
    },
    close: () => stream.close?.(),
  };
}
