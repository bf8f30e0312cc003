import { formatTime, now, type Nanoseconds } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { blobFileSize } from '#/core/content/blob-file.ts';
import { refKey, type ContentParts, type RefHolder } from '#/core/content/content-parts.ts';
import type { Ingest, OpenIngest } from '#/core/content/contract.ts';
import { checkTotal, FileIngest, type IngestBytes } from '#/core/content/file-ingest.ts';
import { openGrowingFile } from '#/core/content/growing-file.ts';
import { forgetIngest } from '#/core/content/ingest-records.ts';
import { ingestDirectoryName } from '#/core/content/layout.ts';
import type { IngestRecord, Metadata } from '#/core/metadata/contract.ts';
import { parseDigest, type Digest } from '#/oci/digest.ts';

const longestRef = 4096;
/** How long an upload that no lease keeps may take, from when it was opened last. */
const lifetime: Nanoseconds = 24n * 3600n * 1_000_000_000n;
const shareableLabel = 'containerd.io/namespace.shareable';

interface Opened {
  readonly record: IngestRecord;
  readonly bytes: IngestBytes;
}

/** Opens or resumes the upload of a ref, as the contract's `openIngest` says. */
export async function openIngest(parts: ContentParts, namespace: string, options: OpenIngest): Promise<Ingest> {
  checkRef(options.ref);
  checkTotal(options.ref, options.total ?? 0);
  await refuseKnown(parts, namespace, options);
  const key = refKey(namespace, options.ref);
  const holder = holdRef(parts, key, options.ref);
  try {
    const record = parts.metadata.read.ingests.find(namespace, options.ref);
    const opened =
      record === undefined
        ? await startIngest(parts, namespace, options)
        : await resumeIngest(parts, namespace, options, record);
    const release = (): void => {
      if (parts.holders.get(key) === holder) parts.holders.delete(key);
    };
    const ingest = new FileIngest(parts, { ...opened, namespace, options, release });
    holder.ingest = ingest;
    return ingest;
  } catch (error) {
    parts.holders.delete(key);
    throw error;
  }
}

function checkRef(ref: string): void {
  if (ref === '' || Buffer.byteLength(ref) > longestRef)
    throw new EngineError(
      'invalid-argument',
      `Cannot open ingest "${ref.slice(0, 100)}": a ref has 1 to ${longestRef} bytes`,
    );
}

/** A blob that the namespace has already is not uploaded again; the lease keeps it all the same. */
async function refuseKnown(parts: ContentParts, namespace: string, options: OpenIngest): Promise<void> {
  const { ref, expected, lease } = options;
  if (expected === undefined || !(await holdBlob(parts.metadata, namespace, { digest: expected, lease }))) return;
  throw new EngineError(
    'already-exists',
    `Cannot open ingest "${ref}": blob "${expected}" exists already in namespace "${namespace}"`,
  );
}

/**
 * Whether a namespace has a blob; if so, the lease keeps it. Both in one transaction, so that the collector cannot come
 * between the look and the hold.
 */
export async function holdBlob(
  metadata: Metadata,
  namespace: string,
  { digest, lease }: { readonly digest: Digest; readonly lease: string | undefined },
): Promise<boolean> {
  if (metadata.read.content.find(namespace, digest) === undefined) return false;
  if (lease === undefined) return true;
  return await metadata.write((tx) => {
    if (tx.content.find(namespace, digest) === undefined) return false;
    tx.addLeaseResource(namespace, lease, { type: 'content', id: digest });
    return true;
  });
}

function holdRef(parts: ContentParts, key: string, ref: string): RefHolder {
  const held = parts.holders.get(key);
  if (held !== undefined) {
    const seconds = Number((now() - held.since) / 1_000_000n) / 1000;
    throw new EngineError(
      'unavailable',
      `Cannot open ingest "${ref}": ref ${ref} locked for ${seconds}s (since ${formatTime(held.since)}) by another writer; try again when it is done`,
    );
  }
  const holder: RefHolder = { since: now() };
  parts.holders.set(key, holder);
  return holder;
}

async function startIngest(parts: ContentParts, namespace: string, options: OpenIngest): Promise<Opened> {
  const { ref, expected, total = 0, lease, resumable = lease === undefined } = options;
  const create = async (shared: Digest | undefined): Promise<IngestRecord> =>
    await parts.metadata.write((tx) => {
      const at = now();
      const directory = ingestDirectoryName(namespace, tx.nextNumber('ingest'), ref);
      const expiresAt = resumable ? at + lifetime : 0n;
      const record = { ref, directory, expected: shared ?? '', total, expiresAt, startedAt: at, updatedAt: at };
      tx.ingests.create(namespace, record);
      if (lease !== undefined) tx.addLeaseResource(namespace, lease, { type: 'ingests', id: ref });
      return record;
    });
  const stored =
    expected === undefined ? undefined : await linkStored(parts, { digest: expected, total }, () => create(expected));
  if (stored !== undefined) return stored;
  const record = await create(undefined);
  try {
    return { record, bytes: { kind: 'own', file: await openGrowingFile(parts.layout.data(record.directory)) } };
  } catch (error) {
    await forgetIngest(parts, namespace, record);
    throw error;
  }
}

/** Starts complete when the bytes are here; the sweep keeps them from the moment that the record names them. */
async function linkStored(
  parts: ContentParts,
  { digest, total }: { readonly digest: Digest; readonly total: number },
  record: () => Promise<IngestRecord>,
): Promise<Opened | undefined> {
  return await parts.blobs.run(digest, async () => {
    const size = await sharedSize(parts, digest);
    if (size === undefined || (total > 0 && total !== size)) return undefined;
    return { record: await record(), bytes: { kind: 'stored', digest, size } };
  });
}

/** The size of stored bytes that another namespace may link; undefined when it has to upload them. */
async function sharedSize({ metadata, layout, sharing }: ContentParts, digest: Digest): Promise<number | undefined> {
  const owners = metadata.read.content.holders(digest);
  const isShareable = (owner: string): boolean => metadata.read.findNamespace(owner)?.labels[shareableLabel] === 'true';
  if (sharing === 'isolated' && !owners.some(isShareable)) return undefined;
  const size = await blobFileSize(layout, digest);
  const isWhole = owners.every((owner) => metadata.read.content.find(owner, digest)?.size === size);
  return isWhole ? size : undefined;
}

/**
 * Takes up what an earlier holder left. The digest is made again from the file. When both holders know the total and do
 * not agree, the upload starts from zero.
 */
async function resumeIngest(
  parts: ContentParts,
  namespace: string,
  options: OpenIngest,
  record: IngestRecord,
): Promise<Opened> {
  const { total = 0 } = options;
  if (record.expected !== '') {
    const again = async (): Promise<IngestRecord> => await updateIngest(parts, namespace, options, record);
    const stored = await linkStored(parts, { digest: parseDigest(record.expected), total }, again);
    if (stored !== undefined) return stored;
  }
  const file = await openGrowingFile(parts.layout.data(record.directory));
  try {
    const restart = total > 0 && record.total > 0 && total !== record.total;
    if (restart) {
      parts.logger.info('upload starts again: another total is expected now', {
        ref: record.ref,
        before: record.total,
        now: total,
      });
      await file.clear();
    }
    const at = now();
    const times = restart ? { startedAt: at, updatedAt: at } : {};
    const next = { ...record, ...times, expected: '', total: total > 0 ? total : record.total };
    return { record: await updateIngest(parts, namespace, options, next), bytes: { kind: 'own', file } };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function updateIngest(
  parts: ContentParts,
  namespace: string,
  { lease, resumable = lease === undefined }: OpenIngest,
  record: IngestRecord,
): Promise<IngestRecord> {
  const next = resumable ? { ...record, expiresAt: now() + lifetime } : record;
  return await parts.metadata.write((tx) => {
    tx.ingests.update(namespace, next);
    if (lease !== undefined) tx.addLeaseResource(namespace, lease, { type: 'ingests', id: record.ref });
    return next;
  });
}
