import { messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { TimeSlices } from '#/base/time-slices.ts';
import type { ContentStore } from '#/core/content/contract.ts';
import type { Events } from '#/core/events/contract.ts';
import type { Collected } from '#/core/garbage/contract.ts';
import type { IngestRecord, Metadata, Removed, SnapshotRecord } from '#/core/metadata/contract.ts';
import type { Snapshotters } from '#/core/snapshots/contract.ts';
import type { Digest } from '#/oci/digest.ts';

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
  const found = await sortOut(parts, removed);
  for (const { namespace, record } of found.uploads) await dropUpload(parts, namespace, record);
  await dropTrees(parts, found.snapshots);
  const freed = await parts.content.sweep();
  const deleted = [...found.digests];
  if (deleted.length + found.snapshots.length > 0)
    parts.logger.info('garbage collected', {
      blobs: deleted.length,
      snapshots: found.snapshots.length,
      bytes: freed,
      held: Math.round(held),
    });
  return { deleted, freed, held };
}

interface Found {
  readonly digests: Set<Digest>;
  readonly snapshots: SnapshotRecord[];
  readonly uploads: Extract<Removed, { kind: 'ingest' }>[];
}

/** Tells of images and snapshots; of content and leases that are collected, containerd tells nobody. */
async function sortOut({ events }: CollectParts, removed: readonly Removed[]): Promise<Found> {
  const found: Found = { digests: new Set(), snapshots: [], uploads: [] };
  const slices = new TimeSlices();
  for (const one of removed) {
    if (slices.isOver) await slices.next();
    switch (one.kind) {
      case 'image':
        events.publish(one.namespace, { topic: '/images/delete', name: one.name });
        break;
      case 'snapshot': {
        const { key, snapshotter } = one.record;
        events.publish(one.namespace, { topic: '/snapshot/remove', key, snapshotter });
        found.snapshots.push(one.record);
        break;
      }
      case 'content':
        found.digests.add(one.digest);
        break;
      case 'ingest':
        found.uploads.push(one);
        break;
      case 'lease':
    }
  }
  return found;
}

async function dropUpload({ content, logger }: CollectParts, namespace: string, record: IngestRecord): Promise<void> {
  logger.info('an upload was given up', { namespace, ref: record.ref });
  await content.discardIngest(namespace, record).catch((error: unknown) => {
    logger.warn('the files of an upload are left', { ref: record.ref, error: messageOf(error) });
  });
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
