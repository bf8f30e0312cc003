import { EngineError } from '#/base/errors.ts';
import type { ChangeJournal } from '#/core/metadata/change-journal.ts';
import { textOf } from '#/core/metadata/columns.ts';
import type { LeaseResource, Reader, Transaction } from '#/core/metadata/contract.ts';
import type { Database } from '#/core/metadata/database.ts';

export function readLeaseResources(database: Database): Pick<Reader, 'leaseResources' | 'leasesOf'> {
  return {
    leaseResources: (namespace, lease) =>
      database
        .all(
          'SELECT type, id FROM lease_resources WHERE namespace = ? AND lease = ? ORDER BY type, id',
          namespace,
          lease,
        )
        .map((row) => ({ type: textOf(row, 'type'), id: textOf(row, 'id') })),
    leasesOf: (namespace, { type, id }) =>
      database
        .all('SELECT lease FROM lease_resources WHERE namespace = ? AND type = ? AND id = ?', namespace, type, id)
        .map((row) => textOf(row, 'lease')),
  };
}

export function writeLeaseResources(
  database: Database,
  journal: ChangeJournal,
): Pick<Transaction, 'addLeaseResource' | 'removeLeaseResource'> {
  const requireLease = (tried: string, namespace: string, lease: string): void => {
    journal.requireOpen();
    if (database.find('SELECT 1 FROM leases WHERE namespace = ? AND id = ?', namespace, lease) === undefined)
      throw new EngineError('not-found', `Cannot ${tried} lease "${lease}" in namespace "${namespace}": no such lease`);
  };
  return {
    addLeaseResource: (namespace, lease, resource: LeaseResource) => {
      requireLease('add a resource to', namespace, lease);
      database.run(
        'INSERT INTO lease_resources (namespace, lease, type, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        namespace,
        lease,
        resource.type,
        resource.id,
      );
      journal.leased(namespace, lease, resource);
    },
    removeLeaseResource: (namespace, lease, resource: LeaseResource) => {
      requireLease('remove a resource from', namespace, lease);
      database.run(
        'DELETE FROM lease_resources WHERE namespace = ? AND lease = ? AND type = ? AND id = ?',
        namespace,
        lease,
        resource.type,
        resource.id,
      );
    },
  };
}
