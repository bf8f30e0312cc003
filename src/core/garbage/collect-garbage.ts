import { messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { ContentStore } from '#/core/content/contract.ts';
import type { Events } from '#/core/events/contract.ts';
import type { Collected } from '#/core/garbage/contract.ts';
import type { Metadata, Removed, SnapshotRecord } from '#/core/metadata/contract.ts';
import type { Snapshotters } from '#/core/snapshots/contract.ts';

export interface CollectParts {
  readonly metadata: Metadata;
  readonly content: ContentStore;
  readonly snapshotters: Snapshotters;
  readonly events: Events;
  readonly logger: Logger;
}

/**
 * One collection: records first, then the files that they named. What a crash leaves of those, the next start removes.
 * Answers how long the loop was held, too.
 */
export async function collectGarbage(parts: CollectParts): Promise<Collected & { readonly held: number }> {
  const { removed, held } = await parts.metadata.collectGarbage();
  tell(parts, removed);
  await dropUploads(parts, removed);
  const snapshots = removed.flatMap((one) => (one.kind === 'snapshot' ? [one.record] : []));
  await dropTrees(parts, snapshots);
  const freed = await parts.content.sweep();
  const deleted = [...new Set(removed.flatMap((one) => (one.kind === 'content' ? [one.digest] : [])))];
  if (deleted.length + snapshots.length > 0)
    parts.logger.info('garbage collected', { blobs: deleted.length, snapshots: snapshots.length, bytes: freed, held });
  return { deleted, freed, held };
}

/** Of content and leases that are collected, containerd tells nobody. */
function tell({ events }: CollectParts, removed: readonly Removed[]): void {
  for (const one of removed) {
    if (one.kind === 'image') events.publish(one.namespace, { topic: '/images/delete', name: one.name });
    if (one.kind !== 'snapshot') continue;
    const { key, snapshotter } = one.record;
    events.publish(one.namespace, { topic: '/snapshot/remove', key, snapshotter });
  }
}

async function dropUploads({ content, logger }: CollectParts, removed: readonly Removed[]): Promise<void> {
  for (const one of removed) {
    if (one.kind !== 'ingest') continue;
    const { namespace, record } = one;
    logger.info('an upload was given up', { namespace, ref: record.ref });
    await content.discardIngest(namespace, record).catch((error: unknown) => {
      logger.warn('the files of an upload are left', { ref: record.ref, error: messageOf(error) });
    });
  }
}

async function dropTrees({ snapshotters, logger }: CollectParts, snapshots: readonly SnapshotRecord[]): Promise<void> {
  for (const [name, records] of Map.groupBy(snapshots, ({ snapshotter }) => snapshotter)) {
    const snapshotter = snapshotters.get(name);
    if (snapshotter === undefined) continue;
    try {
      await (snapshotter.discard?.(records) ?? snapshotter.cleanup());
    } catch (error) {
      logger.warn('trees of collected snapshots are left for later', { snapshotter: name, error: messageOf(error) });
    }
  }
}
