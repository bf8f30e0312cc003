import { createHash } from 'node:crypto';
import type { Ring } from '#/core/layers/child/ring.ts';

export interface Hashed {
  /** sha256 in hex of everything that went over the ring. */
  readonly digest: string;
  readonly size: number;
}

export function hashRing(ring: Ring): Hashed {
  const hash = createHash('sha256');
  let size = 0;
  for (const chunk of ring.chunks('hasher')) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: hash.digest('hex'), size };
}
