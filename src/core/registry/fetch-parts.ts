/** How a large blob is fetched over several connections at once. */
export interface PartSettings {
  /** Bytes of one part; as many times `atOnce` may lie in memory for each blob. */
  readonly size: number;
  readonly atOnce: number;
}

/** Bytes `from` up to and with `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** A range in parts of `size` bytes; the last may be shorter. */
export function splitRange({ from, to }: ByteRange, size: number): ByteRange[] {
  const count = Math.max(1, Math.ceil((to + 1 - from) / size));
  return Array.from({ length: count }, (_, index) => ({
    from: from + index * size,
    to: Math.min(to, from + (index + 1) * size - 1),
  }));
}

type FetchPart = (range: ByteRange, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

/**
 * The bytes of `ranges` in order, some of them fetched ahead. What fails ends it, after all bytes before; whoever reads
 * may stop at any time, and nothing goes on after that.
 */
export async function* fetchParts(
  ranges: readonly ByteRange[],
  atOnce: number,
  fetchPart: FetchPart,
): AsyncGenerator<Uint8Array> {
  const stop = new AbortController();
  const coming: Promise<Uint8Array[]>[] = [];
  const waiting = [...ranges];
  const start = (range: ByteRange): void => {
    const part = collect(range, fetchPart, stop.signal);
    // The reader hears of it when it gets there.
    part.catch(() => {});
    coming.push(part);
  };
  try {
    while (coming.length > 0 || waiting.length > 0) {
      waiting.splice(0, atOnce - coming.length).forEach(start);
      yield* (await coming.shift()) ?? [];
    }
  } finally {
    stop.abort();
    await Promise.allSettled(coming);
  }
}

async function collect(range: ByteRange, fetchPart: FetchPart, signal: AbortSignal): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await fetchPart(range, signal)) {
    signal.throwIfAborted();
    chunks.push(chunk);
  }
  return chunks;
}
