import { TimeSlices } from '#/base/time-slices.ts';
import { collectNamespace } from '#/core/metadata/collect-namespace.ts';
import {
  snapshotRecordKey,
  type CollectedRecords,
  type Reader,
  type Removed,
  type Transaction,
} from '#/core/metadata/contract.ts';
import type { Database } from '#/core/metadata/database.ts';
import { GarbageReads, keyValues, splitNode } from '#/core/metadata/garbage-reads.ts';
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';
import type { WriteQueue } from '#/core/metadata/write-queue.ts';
import type { WrittenNotes } from '#/core/metadata/written-notes.ts';
import { parseDigest } from '#/oci/digest.ts';

export interface CollectorParts {
  readonly database: Database;
  readonly read: Reader;
  readonly queue: WriteQueue;
  readonly notes: WrittenNotes;
  readonly sources: ReadonlySet<GarbageSource>;
  /** Milliseconds that the loop may be held at a time. */
  readonly longestTurn: number | undefined;
}

/** Collects every namespace, one after the other: references never lead from one into another. */
export async function collectRecords({
  database,
  read,
  queue,
  notes,
  sources,
  longestTurn,
}: CollectorParts): Promise<CollectedRecords> {
  const slices = new TimeSlices(longestTurn);
  const removed: Removed[] = [];
  try {
    for (const { name: namespace } of read.listNamespaces()) {
      notes.start(namespace);
      const found = await collectNamespace({
        namespace,
        slices,
        reads: new GarbageReads(database, namespace),
        sources: [...sources],
        takeWritten: () => notes.take(),
        write: (change) => queue.write(change, { durable: false, collecting: true }),
        remove: (tx, node) => removeRecord(tx, namespace, node),
      });
      for (const one of found) removed.push(one);
    }
  } finally {
    notes.stop();
  }
  slices.pause();
  const { held } = slices;
  if (removed.length > 0) await queue.write(() => undefined, { collecting: true });
  return { removed, held };
}

function removeRecord(tx: Transaction, namespace: string, node: string): Removed | undefined {
  const [kind, key] = splitNode(node) ?? [];
  if (kind === undefined || key === undefined) return undefined;
  switch (kind) {
    case 'images':
      if (tx.images.find(namespace, key) === undefined) return undefined;
      tx.images.delete(namespace, key);
      return { kind: 'image', namespace, name: key };
    case 'leases':
      if (tx.leases.find(namespace, key) === undefined) return undefined;
      tx.leases.delete(namespace, key);
      return { kind: 'lease', namespace, id: key };
    case 'content':
      if (tx.content.find(namespace, parseDigest(key)) === undefined) return undefined;
      tx.content.delete(namespace, key);
      return { kind: 'content', namespace, digest: parseDigest(key) };
    case 'ingests': {
      const record = tx.ingests.find(namespace, key);
      if (record === undefined) return undefined;
      tx.ingests.delete(namespace, key);
      return { kind: 'ingest', namespace, record };
    }
    case 'snapshots': {
      const [snapshotter = '', name = ''] = keyValues(kind, key);
      const record = tx.snapshots.find(namespace, snapshotRecordKey(snapshotter, name));
      if (record === undefined) return undefined;
      tx.snapshots.delete(namespace, snapshotRecordKey(snapshotter, name));
      return { kind: 'snapshot', namespace, record };
    }
    case 'containers':
      return undefined;
  }
}
