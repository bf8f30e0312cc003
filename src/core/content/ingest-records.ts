import { rm, stat } from 'node:fs/promises';
import type { Nanoseconds } from '#/base/clock.ts';
import { errnoOf } from '#/base/errors.ts';
import { blobFileSize } from '#/core/content/blob-file.ts';
import { refKey, type ContentParts } from '#/core/content/content-parts.ts';
import type { IngestStatus } from '#/core/content/contract.ts';
import type { IngestRecord, Transaction } from '#/core/metadata/contract.ts';
import { parseDigest } from '#/oci/digest.ts';

/** Drops an upload with its data, whoever holds it. Throws `not-found`. */
export async function abortIngest(parts: ContentParts, namespace: string, ref: string): Promise<void> {
  const record = parts.metadata.read.ingests.get(namespace, ref);
  parts.holders.get(refKey(namespace, ref))?.ingest?.abandon();
  await forgetIngest(parts, namespace, record);
}

/** Drops what belongs to a record that is deleted already. */
export async function discardIngest(parts: ContentParts, namespace: string, record: IngestRecord): Promise<void> {
  const { ingest } = parts.holders.get(refKey(namespace, record.ref)) ?? {};
  if (ingest?.directory === record.directory) ingest.abandon();
  await rm(parts.layout.ingest(record.directory), { recursive: true, force: true });
}

/** Drops a record and its directory; one that is gone already is fine. */
export async function forgetIngest(parts: ContentParts, namespace: string, record: IngestRecord): Promise<void> {
  await parts.metadata.write((tx) => deleteIngest(tx, namespace, record));
  await rm(parts.layout.ingest(record.directory), { recursive: true, force: true });
}

/** Removes the record, unless another upload has the ref by now, and what leases say of it. */
export function deleteIngest(tx: Transaction, namespace: string, { ref, directory }: IngestRecord): void {
  if (tx.ingests.find(namespace, ref)?.directory !== directory) return;
  tx.ingests.delete(namespace, ref);
  const resource = { type: 'ingests', id: ref };
  for (const lease of tx.leasesOf(namespace, resource)) tx.removeLeaseResource(namespace, lease, resource);
}

/** How far an upload is, also while nobody holds it. */
export async function statusOf(parts: ContentParts, namespace: string, record: IngestRecord): Promise<IngestStatus> {
  const { ref, total, expected, startedAt } = record;
  const live = parts.holders.get(refKey(namespace, ref))?.ingest?.status();
  if (live !== undefined) return live;
  const { offset, updatedAt } = await progressOnDisk(parts, record);
  return { ref, offset, total, expected, startedAt, updatedAt };
}

interface DiskProgress {
  readonly offset: number;
  readonly updatedAt: Nanoseconds;
}

/** What an upload has on the disk. */
export async function progressOnDisk(
  { layout }: ContentParts,
  { directory, expected, updatedAt }: IngestRecord,
): Promise<DiskProgress> {
  if (expected !== '') return { offset: (await blobFileSize(layout, parseDigest(expected))) ?? 0, updatedAt };
  try {
    const { size, mtimeNs } = await stat(layout.data(directory), { bigint: true });
    return { offset: Number(size), updatedAt: mtimeNs > updatedAt ? mtimeNs : updatedAt };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return { offset: 0, updatedAt };
  }
}
