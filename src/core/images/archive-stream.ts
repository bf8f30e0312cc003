import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { expandedLimit, expansionAdvice, type ExpansionLimits } from '#/core/layers/expansion.ts';
import { EngineError, messageOf } from '#/base/errors.ts';

export type KnownCompression = 'gzip' | 'zstd' | 'bzip2' | 'xz';

const magics: Readonly<Record<KnownCompression, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
  bzip2: Buffer.from('BZh'),
  xz: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]),
};

export const magicLength = 5;

/** Decompressed at once: each piece costs a turn of the loop and one of a thread. */
const chunkSize = 256 * 1024;

/** Tells a compression by the first bytes; undefined for none that we know. */
export function detectCompression(start: Uint8Array): KnownCompression | undefined {
  const names = Object.keys(magics) as KnownCompression[];
  return names.find((name) => magics[name].equals(start.subarray(0, magics[name].length)));
}

/** The plain bytes of an archive that may be compressed as a whole; no more than the limits allow for what came. */
export async function* decompressArchive(
  archive: AsyncIterable<Uint8Array>,
  limits: ExpansionLimits,
): AsyncGenerator<Uint8Array> {
  const chunks = archive[Symbol.asyncIterator]();
  const start = await readStart(chunks);
  let [came, became] = [0, 0];
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    yield start;
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) {
      came += chunk.byteLength;
      yield chunk;
    }
  };
  const compression = detectCompression(start);
  if (compression === undefined) return yield* whole();
  if (compression !== 'gzip' && compression !== 'zstd')
    throw new EngineError(
      'unimplemented',
      `Cannot read the archive: it is packed by ${compression}; unpack it first, or use gzip or zstd`,
    );
  const unpacked = compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
  const flow = pipeline(Readable.from(whole(), { objectMode: false }), unpacked);
  // The reader below gets the same failure.
  flow.catch(() => {});
  try {
    for await (const chunk of unpacked as AsyncIterable<Uint8Array>) {
      became += chunk.byteLength;
      const limit = expandedLimit({ ...limits, size: 0 }, came + start.byteLength);
      if (became > limit)
        throw new EngineError(
          'resource-exhausted',
          `Cannot read the archive: it is larger than ${limit} bytes uncompressed; ${expansionAdvice}`,
        );
      yield chunk;
    }
  } catch (error) {
    if (error instanceof EngineError || !isZlibError(error)) throw error;
    throw new EngineError('data-loss', `Cannot read the archive: it does not decompress: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function readStart(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < magicLength) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  return start;
}

function isZlibError(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'string' && /^(Z_|ZSTD_|ERR_ZLIB)/.test(error.code);
}
