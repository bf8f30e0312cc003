import type { Metadata } from '#/core/metadata/contract.ts';
import type { PrepareOptions } from '#/core/snapshots/contract.ts';
import type { SnapshotRecords } from '#/core/snapshots/snapshot-records.ts';

/** A snapshot that is there already, under the name that the caller is about to unpack to. */
export const targetLabel = 'containerd.io/snapshot.ref';

/** Before `key` is made: `already-exists` when it, or its target, is there; the lease keeps what is there all the same. */
export async function refuseExisting(
  metadata: Metadata,
  records: SnapshotRecords,
  { key, options }: { readonly key: string; readonly options: PrepareOptions },
): Promise<void> {
  const { labels = {}, lease } = options;
  const target = labels[targetLabel] ?? '';
  const isDone = target !== '' && records.find(metadata.read, target)?.kind === 'committed';
  const existing = isDone ? target : records.find(metadata.read, key)?.key;
  if (existing === undefined || !(await records.holdIfThere(metadata, lease, existing))) return;
  throw records.alreadyExists('prepare', existing);
}

/** Before something is committed as `name`, in the same way. */
export async function refuseCommitted(
  metadata: Metadata,
  records: SnapshotRecords,
  { name, options: { lease } }: { readonly name: string; readonly options: PrepareOptions },
): Promise<void> {
  if (records.find(metadata.read, name) === undefined || !(await records.holdIfThere(metadata, lease, name))) return;
  throw records.alreadyExists('commit', name);
}
