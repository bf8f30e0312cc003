import { changesSince, firstChange, lastChange, type ChangeJournal } from '#/core/metadata/change-journal.ts';
import { containerTable } from '#/core/metadata/container-table.ts';
import { contentTable } from '#/core/metadata/content-table.ts';
import type {
  ContainerRecord,
  ReadCollection,
  Reader,
  Transaction,
  WriteCollection,
} from '#/core/metadata/contract.ts';
import type { Database } from '#/core/metadata/database.ts';
import { imageTable } from '#/core/metadata/image-table.ts';
import { ingestTable } from '#/core/metadata/ingest-table.ts';
import { listIntents, writeIntents } from '#/core/metadata/intents.ts';
import { readLeaseResources, writeLeaseResources } from '#/core/metadata/lease-resources.ts';
import { leaseTable } from '#/core/metadata/lease-table.ts';
import { readKeepers } from '#/core/metadata/keepers.ts';
import { mountTable } from '#/core/metadata/mount-table.ts';
import { readNames, releaseNamesOf, writeNames } from '#/core/metadata/names.ts';
import { ensureNamespace, findNamespace, listNamespaces, writeNamespaces } from '#/core/metadata/namespaces.ts';
import { readCollection, writeCollection, type RecordTable } from '#/core/metadata/record-table.ts';
import { sandboxTable } from '#/core/metadata/sandbox-table.ts';
import { snapshotTable } from '#/core/metadata/snapshot-table.ts';

export function createReader(
  database: Database,
  containers: ReadCollection<ContainerRecord> = readCollection(database, containerTable),
): Reader {
  return {
    images: readCollection(database, imageTable),
    containers,
    content: readCollection(database, contentTable),
    ingests: readCollection(database, ingestTable),
    snapshots: readCollection(database, snapshotTable),
    leases: readCollection(database, leaseTable),
    sandboxes: readCollection(database, sandboxTable),
    mounts: readCollection(database, mountTable),
    findNamespace: (name) => findNamespace(database, name),
    listNamespaces: () => listNamespaces(database),
    ...readLeaseResources(database),
    ...readNames(database),
    ...readKeepers(database),
    listIntents: (kind) => listIntents(database, kind),
    changesSince: (seq, limit) => changesSince(database, seq, limit),
    lastChange: () => lastChange(database),
    firstChange: () => firstChange(database),
  };
}

/** A container that goes gives its names back, whoever removes it. */
function releasingNames(
  containers: WriteCollection<ContainerRecord>,
  database: Database,
): WriteCollection<ContainerRecord> {
  return {
    ...containers,
    delete: (namespace, id) => {
      containers.delete(namespace, id);
      releaseNamesOf(database, namespace, id);
    },
  };
}

/** The one Transaction of a database: it writes while `journal` is open and refuses to at any other time. */
export function createTransaction(database: Database, journal: ChangeJournal): Transaction {
  const writable = <R>(table: RecordTable<R>): WriteCollection<R> =>
    writeCollection(database, journal, table, (name) => ensureNamespace(database, journal, name));
  return {
    ...createReader(database),
    images: writable(imageTable),
    containers: releasingNames(writable(containerTable), database),
    content: writable(contentTable),
    ingests: writable(ingestTable),
    snapshots: writable(snapshotTable),
    leases: writable(leaseTable),
    sandboxes: writable(sandboxTable),
    mounts: writable(mountTable),
    ...writeNamespaces(database, journal),
    ...writeLeaseResources(database, journal),
    ...writeNames(database, journal),
    ...writeIntents(database, journal),
  };
}
