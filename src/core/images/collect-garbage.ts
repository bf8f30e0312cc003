import { now } from '#/base/clock.ts';
import { isKind, messageOf } from '#/base/errors.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { snapshotRecordKey } from '#/core/metadata/contract.ts';
import { findGarbage, type Garbage } from '#/core/metadata/garbage.ts';
import type { Digest } from '#/oci/digest.ts';

export interface Collected {
  readonly deleted: readonly Digest[];
  readonly freed: number;
}

/**
 * Drops what no image, container or lease references. Records go in the transaction that found them unreferenced, so
 * nothing can come to need them in between; files and directories follow, and what a crash leaves of those, the next
 * start or run removes.
 */
export async function collectGarbage(parts: Omit<ImageParts, 'collect' | 'unpacking'>): Promise<Collected> {
  const garbage = await parts.metadata.write((tx) => {
    const found = findGarbage(tx, now());
    for (const { namespace, name } of found.images) tx.images.delete(namespace, name);
    for (const { namespace, id } of found.leases) tx.leases.delete(namespace, id);
    for (const { namespace, snapshotter, key } of found.snapshots)
      tx.snapshots.delete(namespace, snapshotRecordKey(snapshotter, key));
    for (const { namespace, digest } of found.content) tx.content.delete(namespace, digest);
    return found;
  });
  tell(parts, garbage);
  await dropIngests(parts, garbage);
  for (const name of new Set(garbage.snapshots.map(({ snapshotter }) => snapshotter))) await clearUp(parts, name);
  const freed = await parts.content.sweep();
  const deleted = [...new Set(garbage.content.map(({ digest }) => digest))];
  if (deleted.length + garbage.snapshots.length > 0)
    parts.logger.info('garbage collected', {
      blobs: deleted.length,
      snapshots: garbage.snapshots.length,
      bytes: freed,
    });
  return { deleted, freed };
}

/** A snapshotter of another process may be down; what it keeps too long goes with its next cleanup. */
async function clearUp(
  { snapshotters, logger }: Pick<ImageParts, 'snapshotters' | 'logger'>,
  name: string,
): Promise<void> {
  try {
    await snapshotters.get(name)?.cleanup();
  } catch (error) {
    logger.warn('snapshots without record are left for later', { snapshotter: name, error: messageOf(error) });
  }
}

function tell({ events }: Pick<ImageParts, 'events'>, { images, snapshots, content }: Garbage): void {
  for (const { namespace, name } of images) events.publish(namespace, { topic: '/images/delete', name });
  for (const { namespace, key, snapshotter } of snapshots)
    events.publish(namespace, { topic: '/snapshot/remove', key, snapshotter });
  for (const { namespace, digest } of content) events.publish(namespace, { topic: '/content/delete', digest });
}

/** An upload that lasts longer than a day without a lease is given up. */
async function dropIngests(
  { content, logger }: Pick<ImageParts, 'content' | 'logger'>,
  { ingests }: Garbage,
): Promise<void> {
  for (const { namespace, ref } of ingests) {
    try {
      await content.abortIngest(namespace, ref);
    } catch (error) {
      if (!isKind(error, 'not-found')) logger.warn('a stale upload is left', { ref, error: messageOf(error) });
    }
  }
}

/** Shares runs: whoever asks while one is under way waits for a second one, together with all who ask meanwhile. */
export function createCollector<T>(collect: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const start = (): Promise<T> => {
    const run = collect().finally(() => {
      if (running === run) running = undefined;
    });
    running = run;
    return run;
  };
  return async () => {
    if (running === undefined) return await start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return await next;
  };
}
