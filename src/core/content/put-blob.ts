import { createHash } from 'node:crypto';
import type { Labels } from '#/base/any.ts';
import { writeFileAtomic } from '#/base/atomic-file.ts';
import { now } from '#/base/clock.ts';
import { blobFileSize } from '#/core/content/blob-file.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { ContentParts } from '#/core/content/content-parts.ts';
import { namingFullDisk } from '#/base/disk-full.ts';
import { hashSlices } from '#/core/content/hash-slices.ts';
import type { ContentRecord, Transaction } from '#/core/metadata/contract.ts';
import { sha256Digest, type Digest } from '#/oci/digest.ts';

export interface PutBlob {
  readonly labels?: Labels;
  readonly lease?: string;
}

/**
 * Stores a small blob. The file comes first, then the record: after a crash in between the sweep removes the file, or
 * the next put finds it.
 */
export async function putBlob(
  parts: ContentParts,
  namespace: string,
  data: Uint8Array,
  { labels: given = {}, lease }: PutBlob = {},
): Promise<ContentRecord> {
  const labels = checkLabels('a blob', given);
  const hash = createHash('sha256');
  await hashSlices(hash, data);
  const digest = sha256Digest(hash.digest('hex'));
  return await parts.blobs.run(digest, async () => {
    const path = parts.layout.blob(digest);
    if ((await blobFileSize(parts.layout, digest)) !== data.length)
      await namingFullDisk(`Cannot store a blob of ${data.length} bytes`, parts.layout.blobDirectory(digest), () =>
        writeFileAtomic(path, data, 0o444),
      );
    return await parts.metadata.write((tx) => {
      const record = putRecord(tx, namespace, { digest, size: data.length, labels });
      if (lease !== undefined) tx.addLeaseResource(namespace, lease, { type: 'content', id: digest });
      return record;
    });
  });
}

interface NewBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly labels: Labels;
}

/** An existing record keeps its labels, and gets those that it lacks. */
function putRecord(tx: Transaction, namespace: string, blob: NewBlob): ContentRecord {
  const at = now();
  const existing = tx.content.find(namespace, blob.digest);
  if (existing === undefined) {
    const created: ContentRecord = { ...blob, createdAt: at, updatedAt: at };
    tx.content.create(namespace, created);
    return created;
  }
  if (Object.keys(blob.labels).every((key) => key in existing.labels)) return existing;
  const updated: ContentRecord = { ...existing, labels: { ...blob.labels, ...existing.labels }, updatedAt: at };
  tx.content.update(namespace, updated);
  return updated;
}
