import { Extractor, type ExtractorOptions } from '#/core/layers/child/extract.ts';
import type { Ring } from '#/core/layers/child/ring.ts';
import { TarReader } from '#/oci/tar-reader.ts';

export interface Untar extends ExtractorOptions {
  /** Called between chunks; may throw to stop. */
  readonly onChunk: () => void;
}

/**
 * Unpacks what comes over the ring into the tree at `/`. Cancels the ring when it fails; returns early, without a word,
 * when another stage did.
 */
export function untar(ring: Ring, options: Untar): void {
  const reader = new TarReader();
  const extractor = new Extractor(options);
  try {
    for (const chunk of ring.chunks('worker')) {
      options.onChunk();
      for (const event of reader.push(chunk)) extractor.take(event);
    }
    if (ring.isCancelled) return;
    reader.finish();
    extractor.finish();
  } catch (error) {
    ring.cancel();
    throw error;
  } finally {
    extractor.abandon();
  }
}
