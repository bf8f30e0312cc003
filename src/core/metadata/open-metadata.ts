import { silentLogger, type Logger } from '#/base/log.ts';
import { createChangeJournal } from '#/core/metadata/change-journal.ts';
import { cachedCollection } from '#/core/metadata/cached-collection.ts';
import { containerTable } from '#/core/metadata/container-table.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import { openDiskReserve } from '#/core/metadata/disk-reserve.ts';
import { openLogDisk, openMainFile } from '#/core/metadata/log-disk.ts';
import { createMetadataFile, openDatabase } from '#/core/metadata/open-database.ts';
import { createReader, createTransaction } from '#/core/metadata/transaction.ts';
import { WriteQueue } from '#/core/metadata/write-queue.ts';

export interface OpenMetadata {
  /** The file; `-wal`, `-shm` and `-reserve` lie beside it. Nothing else in this process may open it. */
  readonly path: string;
  readonly logger?: Logger;
}

/** Container records kept in memory, some ten kilobytes each. */
const keptContainers = 500;

/**
 * Opens, or makes, the metadata file. Only one process may write it; `sqlite3 FILE` may read it meanwhile. After a crash
 * SQLite replays its log: every acknowledged write is there, and of the others each is whole or absent.
 */
export async function openMetadata({ path, logger = silentLogger }: OpenMetadata): Promise<Metadata> {
  await using undo = new AsyncDisposableStack();
  await createMetadataFile(path);
  const mainFile = undo.use(await openMainFile(path));
  const database = undo.use(openDatabase(path));
  const disk = undo.use(await openLogDisk(database, mainFile));
  const reserve = undo.use(await openDiskReserve(`${path}-reserve`, logger));
  const containers = cachedCollection(database, containerTable, keptContainers);
  const journal = createChangeJournal(database, ({ kind, namespace, id }) => {
    if (kind === 'container') containers.forget(namespace, id);
  });
  const transaction = createTransaction(database, journal);
  const queue = new WriteQueue({ database, disk, reserve, journal, transaction, logger });
  undo.defer(() => queue.close());
  const lifetime = undo.move();
  return {
    read: createReader(database, containers),
    write: (change, options) => queue.write(change, options),
    onChange: (listener) => queue.onChange(listener),
    [Symbol.asyncDispose]: () => lifetime.disposeAsync(),
  };
}
