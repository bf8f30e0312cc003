import { messageOf } from '#/base/errors.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { openLease, type Lease } from '#/core/images/lease.ts';

/** Runs `work` under a lease of its own; when it fails, what only the lease kept is collected. */
export async function underLease<T>(
  parts: ImageParts,
  namespace: string,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  try {
    await using lease = await openLease(parts.metadata, namespace);
    return await work(lease);
  } catch (error) {
    await parts.collect().catch((failure: unknown) => {
      parts.logger.warn('garbage of a failed operation is left for later', { error: messageOf(failure) });
    });
    throw error;
  }
}
