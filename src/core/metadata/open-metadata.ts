import { silentLogger, type Logger } from '#/base/log.ts';
import { createChangeJournal } from '#/core/metadata/change-journal.ts';
import { cachedCollection } from '#/core/metadata/cached-collection.ts';
import { containerTable } from '#/core/metadata/container-table.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import { openDiskReserve } from '#/core/metadata/disk-reserve.ts';
import { openLogDisk, openMainFile } from '#/core/metadata/log-disk.ts';
import { createMetadataFile, openDatabase } from '#/core/metadata/open-database.ts';
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';
import { collectRecords } from '#/core/metadata/collect-records.ts';
import { createReader, createTransaction } from '#/core/metadata/transaction.ts';
import { WriteQueue } from '#/core/metadata/write-queue.ts';
import { WrittenNotes } from '#/core/metadata/written-notes.ts';

export interface OpenMetadata {
  /** The file; `-wal`, `-shm` and `-reserve` lie beside it. Nothing else in this process may open it. */
  readonly path: string;
  readonly logger?: Logger;
  /** Milliseconds that the collector may hold the event loop at a time. */
  readonly longestTurn?: number;
}

/** Container records kept in memory, some ten kilobytes each. */
const keptContainers = 2000;

/**
 * Opens, or makes, the metadata file. Only one process may write it; `sqlite3 FILE` may read it meanwhile. After a crash
 * SQLite replays its log: every acknowledged write is there, and of the others each is whole or absent.
 */
export async function openMetadata({ path, logger = silentLogger, longestTurn }: OpenMetadata): Promise<Metadata> {
  await using undo = new AsyncDisposableStack();
  await createMetadataFile(path);
  const mainFile = undo.use(await openMainFile(path));
  const database = undo.use(openDatabase(path));
  const disk = undo.use(await openLogDisk(database, mainFile));
  const reserve = undo.use(await openDiskReserve(`${path}-reserve`, logger));
  const containers = cachedCollection(database, containerTable, keptContainers);
  const notes = new WrittenNotes();
  const journal = createChangeJournal(database, {
    changed: (change) => {
      if (change.kind === 'container') containers.forget(change.namespace, change.id);
      notes.changed(change);
    },
    leased: (namespace, lease, resource) => notes.leased(namespace, lease, resource),
  });
  const transaction = createTransaction(database, journal);
  const queue = new WriteQueue({ database, disk, reserve, journal, transaction, logger });
  undo.defer(() => queue.close());
  const sources = new Set<GarbageSource>();
  const lifetime = undo.move();
  const read = createReader(database, containers);
  return {
    read,
    write: (change, options) => queue.write(change, options),
    onChange: (listener) => queue.onChange(listener),
    collectGarbage: () => collectRecords({ database, read, queue, notes, sources, longestTurn }),
    addGarbageSource: (source) => {
      sources.add(source);
      return () => void sources.delete(source);
    },
    [Symbol.asyncDispose]: () => lifetime.disposeAsync(),
  };
}
