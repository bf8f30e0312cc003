import { isKind, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { Metadata, SnapshotRecord, Transaction } from '#/core/metadata/contract.ts';
import { targetLabel } from '#/core/snapshots/refuse-existing.ts';
import { SnapshotRecords } from '#/core/snapshots/snapshot-records.ts';
import { syncFileSystem } from '#/linux/sync.ts';

/**
 * A sync writes what everybody has in memory, so one in the middle of an unpack holds that up: it waits until no layer
 * has begun or ended for a while, but not for ever. Times are milliseconds.
 */
const quiet = 3000;
const longest = 30_000;

export interface WriteBackContext {
  readonly snapshotter: string;
  readonly root: string;
  readonly metadata: Metadata;
  /** Of this start of the machine. */
  readonly bootId: string;
  readonly logger: Logger;
}

interface Unsynced {
  readonly namespace: string;
  readonly key: string;
  readonly id: number;
}

/**
 * A commit is told before the files of the snapshot are on the disk: to wait for them would hold up each layer of a
 * pull for what everybody on that file system has in memory. The record is marked with the boot until a sync, shortly
 * after, has brought them there. A power cut in between leaves the mark of an earlier boot: the next start drops such a
 * snapshot when it was unpacked from a blob, which is then unpacked again, and names it when something stands on it or
 * nothing can bring it back.
 */
export class WriteBack implements Disposable {
  readonly #context: WriteBackContext;
  #unsynced: Unsynced[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the oldest of them was committed. */
  #since = 0;
  #isSyncing = false;
  #isClosed = false;

  constructor(context: WriteBackContext) {
    this.#context = context;
  }

  get bootId(): string {
    return this.#context.bootId;
  }

  /** Before anything uses the snapshots: drops what a power cut may have taken files of. */
  async recover(): Promise<void> {
    const { metadata, bootId, snapshotter } = this.#context;
    for (const { name: namespace } of metadata.read.listNamespaces()) {
      const marked = new SnapshotRecords(snapshotter, namespace)
        .list(metadata.read)
        .filter(({ unsynced }) => unsynced !== undefined);
      for (const { key, id, unsynced } of marked) if (unsynced === bootId) this.note({ namespace, key, id });
      const lost = marked.filter(({ unsynced }) => unsynced !== bootId);
      if (lost.length > 0) await this.#drop(namespace, lost);
    }
  }

  note(committed: Unsynced): void {
    if (this.#unsynced.length === 0) this.#since = performance.now();
    this.#unsynced.push(committed);
    this.#schedule();
  }

  /** A layer begins. */
  delay(): void {
    if (this.#unsynced.length > 0) this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #drop(namespace: string, lost: readonly SnapshotRecord[]): Promise<void> {
    const { metadata, snapshotter, logger } = this.#context;
    const records = new SnapshotRecords(snapshotter, namespace);
    const depth = new Map(lost.map(({ key }) => [key, records.ancestors(metadata.read, key).length]));
    const fromTop = lost.toSorted((a, b) => (depth.get(b.key) ?? 0) - (depth.get(a.key) ?? 0));
    const kept = await metadata.write((tx) => fromTop.filter((record) => !dropUnpacked(records, tx, record)));
    logger.warn('the machine stopped before unpacked layers were on the disk; they are unpacked again when needed', {
      namespace,
      layers: lost.length - kept.length,
    });
    for (const { key } of kept)
      logger.error('a snapshot may lack files, for the machine stopped before they were on the disk; remove it', {
        namespace,
        key,
      });
  }

  #schedule(): void {
    if (this.#isSyncing || this.#isClosed) return;
    clearTimeout(this.#timer);
    const left = Math.max(0, this.#since + longest - performance.now());
    this.#timer = setTimeout(() => void this.#sync(), Math.min(quiet, left)).unref();
  }

  async #sync(): Promise<void> {
    const { root, logger } = this.#context;
    const batch = this.#unsynced;
    this.#unsynced = [];
    this.#timer = undefined;
    this.#isSyncing = true;
    try {
      await syncFileSystem(root);
      if (!this.#isClosed) await this.#unmark(batch);
    } catch (error) {
      if (this.#isClosed) return;
      logger.warn('snapshots could not be synced; they keep their mark until the next start', {
        error: messageOf(error),
      });
    } finally {
      this.#isSyncing = false;
      if (this.#unsynced.length > 0) this.#schedule();
    }
  }

  async #unmark(batch: readonly Unsynced[]): Promise<void> {
    const { metadata, snapshotter, bootId } = this.#context;
    const unmark = (tx: Transaction): void => {
      for (const { namespace, key, id } of batch) {
        const record = new SnapshotRecords(snapshotter, namespace).find(tx, key);
        if (record?.id !== id || record.unsynced !== bootId) continue;
        const { unsynced: _, ...synced } = record;
        tx.snapshots.update(namespace, synced);
      }
    };
    await metadata.write(unmark, { durable: false });
  }
}

/** Whether it could go: nothing stands on it, and its blob can be unpacked again. */
function dropUnpacked(records: SnapshotRecords, tx: Transaction, { key, labels }: SnapshotRecord): boolean {
  if (labels[targetLabel] !== key) return false;
  try {
    records.delete(tx, key);
    return true;
  } catch (error) {
    if (isKind(error, 'failed-precondition')) return false;
    throw error;
  }
}
