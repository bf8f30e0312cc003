import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { now, parseTime } from '#/base/clock.ts';
import { blobFileSize } from '#/core/content/blob-file.ts';
import { refKey, type ContentParts } from '#/core/content/content-parts.ts';
import { forgetIngest, progressOnDisk } from '#/core/content/ingest-records.ts';
import { algorithms, digestOfFile } from '#/core/content/layout.ts';
import type { IngestRecord, LeaseRecord, Reader } from '#/core/metadata/contract.ts';
import type { Digest } from '#/oci/digest.ts';

const longestIngest = 24n * 3600n * 1_000_000_000n;
const expiryLabel = 'containerd.io/gc.expire';

/** Deletes blob files without a record, and uploads that were left; returns the bytes freed. */
export async function sweepContent(parts: ContentParts): Promise<number> {
  return (await sweepIngests(parts)) + (await sweepBlobs(parts));
}

async function sweepBlobs(parts: ContentParts): Promise<number> {
  let freed = 0;
  for (const algorithm of algorithms)
    for (const name of await readdir(join(parts.layout.blobs, algorithm))) {
      const digest = digestOfFile(algorithm, name);
      if (digest !== undefined) freed += await sweepBlob(parts, digest);
    }
  return freed;
}

async function sweepBlob(parts: ContentParts, digest: Digest): Promise<number> {
  const { read } = parts.metadata;
  if (read.content.holders(digest).length > 0) return 0;
  return await parts.blobs.run(digest, async () => {
    if (read.content.holders(digest).length > 0 || isAwaited(read, digest)) return 0;
    const size = await blobFileSize(parts.layout, digest);
    await rm(parts.layout.blob(digest), { force: true });
    return size ?? 0;
  });
}

/** An upload that started complete is going to link these bytes. */
function isAwaited(read: Reader, digest: Digest): boolean {
  return read.listNamespaces().some(({ name }) => read.ingests.list(name).some((ingest) => ingest.expected === digest));
}

async function sweepIngests(parts: ContentParts): Promise<number> {
  const { read } = parts.metadata;
  let freed = 0;
  for (const { name: namespace } of read.listNamespaces()) {
    const stale = read.ingests.list(namespace).filter((ingest) => now() - ingest.startedAt > longestIngest);
    if (stale.length === 0) continue;
    const kept = keptRefs(read, namespace);
    for (const ingest of stale) if (!kept.has(ingest.ref)) freed += await sweepIngest(parts, namespace, ingest);
  }
  return freed;
}

/** The refs that a lease in force holds. */
function keptRefs(read: Reader, namespace: string): ReadonlySet<string> {
  const inForce = new Set(
    read.leases
      .list(namespace)
      .filter((lease) => !isExpired(lease))
      .map((lease) => lease.id),
  );
  const resources = read.allLeaseResources(namespace);
  return new Set(resources.filter(({ type, lease }) => type === 'ingests' && inForce.has(lease)).map(({ id }) => id));
}

function isExpired({ labels }: LeaseRecord): boolean {
  const expiry = parseTime(labels[expiryLabel] ?? '');
  return expiry !== undefined && expiry < now();
}

/** Takes the ref while it works; one that somebody holds is not stale. */
async function sweepIngest(parts: ContentParts, namespace: string, ingest: IngestRecord): Promise<number> {
  const key = refKey(namespace, ingest.ref);
  if (parts.holders.has(key)) return 0;
  parts.holders.set(key, { since: now() });
  try {
    const size = ingest.expected === '' ? (await progressOnDisk(parts, ingest)).offset : 0;
    await forgetIngest(parts, namespace, ingest);
    parts.logger.info('stale upload removed', { namespace, ref: ingest.ref, size });
    return size;
  } finally {
    parts.holders.delete(key);
  }
}
