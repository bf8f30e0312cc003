import { setTimeout as sleep } from 'node:timers/promises';
import { isDiskFull } from '#/base/disk-full.ts';
import { EngineError, describeFailure, isKind, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { Ingest } from '#/core/content/contract.ts';
import { contentKey } from '#/core/images/content-key.ts';
import type { ImageProgress } from '#/core/images/contract.ts';
import { sourceOf, withSource } from '#/core/images/gc-labels.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import type { FetchedBlob, Repository } from '#/core/registry/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { algorithmOf, type Digest } from '#/oci/digest.ts';
import { maxManifestBytes } from '#/oci/manifest.ts';
import type { Labels } from '#/base/any.ts';

/** One pull's way to its blobs. */
export interface Fetching {
  readonly parts: ImageParts;
  readonly namespace: string;
  readonly repository: Repository;
  readonly lease: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImageProgress) => void;
}

/** How often a broken transfer is taken up again when less than `progressCounts` bytes came since the last time. */
const maxResumes = 5;
const progressCounts = 1024 * 1024;
/** How often a blob that came out wrong is fetched from the start, from elsewhere where it can be. */
const maxRestarts = 3;
const firstPause = 200;
const longestPause = 5000;

/** Another holder of an upload that does not get on for so long is not waited for any more. */
const patience = 30_000;
const progressInterval = 100;

/** Fetches a manifest or an index into the content store, unless it is there; returns its bytes. */
export async function fetchDocument(fetching: Fetching, descriptor: Descriptor): Promise<Uint8Array> {
  const { parts, namespace, repository } = fetching;
  if (await holdBlob(fetching, descriptor.digest)) {
    await nameSource(fetching, descriptor);
    fetching.onProgress({ kind: 'exists', digest: descriptor.digest });
    return await parts.content.readWhole(namespace, descriptor.digest, maxManifestBytes);
  }
  const bytes = await repository.fetchManifest(descriptor, maxManifestBytes);
  const stored = await storeDocument(fetching, descriptor, bytes);
  fetching.onProgress({ kind: stored === 'exists' ? 'exists' : 'downloaded', digest: descriptor.digest });
  return bytes;
}

/** Has the lease keep a blob, in the very transaction that looks for it; false when it is not here. */
async function holdBlob({ parts, namespace, lease }: Fetching, digest: Digest): Promise<boolean> {
  return await parts.metadata.write((tx) => {
    if (tx.content.find(namespace, digest) === undefined) return false;
    tx.addLeaseResource(namespace, lease, { type: 'content', id: digest });
    return true;
  });
}

async function storeDocument(
  fetching: Fetching,
  descriptor: Descriptor,
  bytes: Uint8Array,
): Promise<'exists' | 'fetched'> {
  const ref = contentKey(descriptor);
  const ingest = await openShared(fetching, { descriptor, ref });
  if (ingest === 'exists') return 'exists';
  await using upload = ingest;
  await upload.truncate();
  await upload.write(bytes);
  return await commit(fetching, { descriptor, ref }, upload);
}

/** Fetches a config: a blob to the registry, a document to us. */
export async function fetchConfig(fetching: Fetching, descriptor: Descriptor): Promise<Uint8Array> {
  if (descriptor.size > maxManifestBytes)
    throw new EngineError(
      'resource-exhausted',
      `Cannot fetch config ${descriptor.digest}: its ${descriptor.size} bytes are more than the ${maxManifestBytes} that a config may have`,
    );
  await fetchLayer(fetching, descriptor);
  return await fetching.parts.content.readWhole(fetching.namespace, descriptor.digest, maxManifestBytes);
}

/** Fetches a layer, or another blob. */
export async function fetchLayer(fetching: Fetching, descriptor: Descriptor): Promise<void> {
  const fetched = await fetchBlob(fetching, { descriptor, ref: contentKey(descriptor) });
  fetching.onProgress({ kind: fetched === 'exists' ? 'exists' : 'downloaded', digest: descriptor.digest });
}

export async function addLabels(
  fetching: Pick<Fetching, 'parts' | 'namespace'>,
  digest: Digest,
  more: Labels,
): Promise<void> {
  const { content } = fetching.parts;
  const { labels } = content.info(fetching.namespace, digest);
  if (Object.entries(more).every(([key, value]) => labels[key] === value)) return;
  await content.setLabels(fetching.namespace, digest, (current) => ({ ...current, ...more }));
}

interface BlobFetch {
  readonly descriptor: Descriptor;
  readonly ref: string;
}

/** Brings a blob into the content store; what another pull is fetching just now is waited for. */
async function fetchBlob(fetching: Fetching, blob: BlobFetch): Promise<'exists' | 'fetched'> {
  const ingest = await openShared(fetching, blob);
  if (ingest === 'exists') {
    await nameSource(fetching, blob.descriptor);
    return 'exists';
  }
  await using upload = ingest;
  try {
    await download(fetching, blob, upload);
  } catch (error) {
    // What a server sent that lies is not to be gone on from, and a full disk needs the room.
    if (isKind(error, 'data-loss') || isDiskFull(error)) await dropUpload(fetching, upload);
    throw error;
  }
  return await commit(fetching, blob, upload);
}

/** Dropping must not hide why it was needed. */
async function dropUpload({ parts, namespace }: Fetching, upload: Ingest): Promise<void> {
  const { ref } = upload.status();
  await parts.content.abortIngest(namespace, ref).catch((error: unknown) => {
    parts.logger.warn('an upload that failed is left for later', { ref, error: messageOf(error) });
  });
}

async function openShared(fetching: Fetching, { descriptor, ref }: BlobFetch): Promise<Ingest | 'exists'> {
  const { parts, namespace, lease, signal } = fetching;
  const { digest, size } = descriptor;
  let seen = -1;
  let seenAt = Date.now();
  for (let name = ref, pause = 50; ; pause = Math.min(pause * 2, 500)) {
    try {
      return await parts.content.openIngest(namespace, {
        ref: name,
        total: size,
        expected: digest,
        lease,
        resumable: true,
      });
    } catch (error) {
      if (isKind(error, 'already-exists')) return 'exists';
      if (!isKind(error, 'unavailable')) throw error;
    }
    const offset = await offsetOf(fetching, name);
    if (offset !== seen) {
      seen = offset;
      seenAt = Date.now();
      fetching.onProgress({ kind: 'downloading', digest, current: offset, total: size });
    }
    if (Date.now() - seenAt > patience) name = `${ref}-${newToken()}`;
    await sleep(pause, undefined, { signal });
  }
}

async function offsetOf({ parts, namespace }: Fetching, ref: string): Promise<number> {
  try {
    return (await parts.content.ingestStatus(namespace, ref)).offset;
  } catch (error) {
    if (isKind(error, 'not-found')) return 0;
    throw error;
  }
}

/** Gets what is missing, and takes broken connections up again where they broke. */
async function download(fetching: Fetching, { descriptor }: BlobFetch, ingest: Ingest): Promise<void> {
  const { size } = descriptor;
  if (ingest.status().offset > size) await ingest.truncate();
  let failures = 0;
  let restarts = 0;
  while (ingest.status().offset < size) {
    const before = ingest.status().offset;
    try {
      const { start, distrust } = await transfer(fetching, descriptor, ingest);
      // Of a blob in two parts nobody knows which is wrong.
      if (isWrong(ingest, descriptor) && (restarts += 1) <= maxRestarts && (start > 0 || distrust()))
        await ingest.truncate();
    } catch (error) {
      fetching.signal.throwIfAborted();
      failures = ingest.status().offset - before >= progressCounts ? 0 : failures + 1;
      if (!isKind(error, 'unavailable') || failures >= maxResumes) throw error;
      fetching.parts.logger.info('download broke off and is taken up again', {
        digest: descriptor.digest,
        offset: ingest.status().offset,
        size,
      });
      await sleep(Math.min(longestPause, firstPause * 2 ** failures), undefined, { signal: fetching.signal });
    }
  }
}

/** Whether all bytes came and are others than were wanted; of other algorithms the commit knows. */
function isWrong(ingest: Ingest, { digest, size }: Descriptor): boolean {
  return ingest.status().offset === size && algorithmOf(digest) === 'sha256' && ingest.digest() !== digest;
}

async function transfer(
  { repository, signal, onProgress }: Fetching,
  descriptor: Descriptor,
  ingest: Ingest,
): Promise<FetchedBlob> {
  const offset = ingest.status().offset;
  const fetched = await repository.fetchBlob(descriptor, offset);
  const { start, body } = fetched;
  if (start !== offset) await ingest.truncate();
  const { digest, size: total } = descriptor;
  let told = 0;
  for await (const chunk of body) {
    signal.throwIfAborted();
    await ingest.write(chunk);
    if (Date.now() - told < progressInterval) continue;
    told = Date.now();
    onProgress({ kind: 'downloading', digest, current: ingest.status().offset, total });
  }
  onProgress({ kind: 'downloading', digest, current: ingest.status().offset, total });
  return fetched;
}

/** Size and digest are checked here; bytes that lie are dropped, so that the next pull begins anew. */
async function commit(
  fetching: Fetching,
  { descriptor, ref }: BlobFetch,
  ingest: Ingest,
): Promise<'exists' | 'fetched'> {
  const { parts, namespace, repository } = fetching;
  const { digest, size } = descriptor;
  try {
    await ingest.commit({ size, expected: digest, labels: sourceOf(repository.reference) });
    tellCreated(fetching, descriptor);
    return 'fetched';
  } catch (error) {
    if (isKind(error, 'already-exists')) return 'exists';
    if (!isKind(error, 'failed-precondition')) throw error;
    await parts.content.abortIngest(namespace, ingest.status().ref);
    const failure = describeFailure(
      `Cannot fetch ${ref}: the registry sent other bytes than the manifest names`,
      error,
    );
    throw new EngineError('data-loss', failure.message, { cause: error });
  }
}

function tellCreated({ parts, namespace }: Fetching, { digest, size }: Descriptor): void {
  parts.events.publish(namespace, { topic: '/content/create', digest, size });
}

/** Notes on a blob that this repository has it, for mounts when pushing. */
async function nameSource({ parts, namespace, repository }: Fetching, { digest }: Descriptor): Promise<void> {
  const { reference } = repository;
  const { labels } = parts.content.info(namespace, digest);
  const wanted = withSource(labels, reference);
  if (Object.keys(sourceOf(reference)).every((key) => (labels[key] ?? '').split(',').includes(reference.path))) return;
  await parts.content.setLabels(namespace, digest, () => wanted);
}
