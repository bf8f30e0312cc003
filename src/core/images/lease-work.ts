import { messageOf } from '#/base/errors.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { onceLabel, openLease, type Lease } from '#/core/images/lease.ts';

/**
 * Runs `work` under a lease of its own; when it fails, what only the lease kept is collected. When the daemon dies, the
 * next one ends the lease.
 */
export async function underLease<T>(
  parts: ImageParts,
  namespace: string,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  return await leased(parts, work, await openLease(parts.metadata, namespace, { [onceLabel]: 'yes' }));
}

/** The same for work that the next attempt goes on with: when the daemon dies, the lease lasts a day. */
export async function underLastingLease<T>(
  parts: ImageParts,
  namespace: string,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  return await leased(parts, work, await openLease(parts.metadata, namespace));
}

async function leased<T>(parts: ImageParts, work: (lease: Lease) => Promise<T>, opened: Lease): Promise<T> {
  try {
    await using lease = opened;
    return await work(lease);
  } catch (error) {
    await parts.collect().catch((failure: unknown) => {
      parts.logger.warn('garbage of a failed operation is left for later', { error: messageOf(failure) });
    });
    throw error;
  }
}
