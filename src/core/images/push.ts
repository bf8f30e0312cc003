import type { ImageProgress, PushImage } from '#/core/images/contract.ts';
import { sourceLabel, withSource } from '#/core/images/gc-labels.ts';
import { getImage } from '#/core/images/find.ts';
import {
  isForeign,
  manifestsOf,
  readStored,
  type StoredManifest,
  type StoredTarget,
} from '#/core/images/image-content.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { missingBlobs } from '#/core/images/read-image.ts';
import { resolveImage } from '#/core/images/resolve.ts';
import { allOrStop, Slots } from '#/core/images/run-together.ts';
import type { Repository } from '#/core/registry/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { maxManifestBytes } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';
import { formatReference } from '#/oci/reference.ts';

const uploadsAtOnce = 3;

interface Pushing {
  readonly parts: ImageParts;
  readonly namespace: string;
  readonly repository: Repository;
  readonly stop: AbortController;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImageProgress) => void;
}

/** Sends an image: blobs first, then manifests, an index last, so that a name never points at what is not there. */
export async function pushImage(parts: ImageParts, namespace: string, options: PushImage): Promise<Descriptor> {
  const { name, reference, credentials = {}, platform, onProgress = (): void => {} } = options;
  const record = await getImage(parts, namespace, name);
  const stored = await choose(parts, namespace, { target: record.target, platform, name: record.name });
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  return await underLease(parts, namespace, async (lease) => {
    await parts.metadata.write((tx) =>
      tx.addLeaseResource(namespace, lease.id, { type: 'content', id: record.target.digest }),
    );
    await using repository = await parts.registry.openRepository(reference, { credentials, signal });
    const pushing: Pushing = { parts, namespace, repository, stop, signal, onProgress };
    await pushBlobs(pushing, manifestsOf(stored));
    await pushManifests(pushing, stored, reference.tag);
    const target = stored.descriptor;
    onProgress({ kind: 'stored', name: formatReference(reference), target });
    return target;
  });
}

/**
 * What to send: all of an index that is whole; of one that was fetched for some platforms only, the manifest for the
 * platform that is asked for, or the host's.
 */
async function choose(
  parts: ImageParts,
  namespace: string,
  {
    target,
    platform,
    name,
  }: { readonly target: Descriptor; readonly platform: Platform | undefined; readonly name: string },
): Promise<StoredTarget> {
  const stored = await readStored(parts.content, namespace, { target });
  if (platform === undefined && stored.missing.length === 0) return stored;
  const complete = manifestsOf(stored).filter(({ missing }) => missing.length === 0);
  const [only, ...others] = complete;
  if (platform === undefined && only !== undefined && others.length === 0) return only;
  const { manifestDescriptor } = await resolveImage(parts, namespace, { target, platform });
  const chosen = await readStored(parts.content, namespace, { target: manifestDescriptor });
  if (chosen.missing.length > 0) throw missingBlobs(`image "${name}"`, chosen.missing);
  return chosen;
}

async function pushBlobs(pushing: Pushing, manifests: readonly StoredManifest[]): Promise<void> {
  const blobs = manifests.flatMap(({ manifest }) => [
    ...manifest.layers.filter((layer) => !isForeign(layer)),
    manifest.config,
  ]);
  const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  pushing.onProgress({ kind: 'layers', layers: unique });
  const slots = new Slots(uploadsAtOnce);
  const works = unique.map((blob) => slots.run(pushing.signal, async () => await pushBlob(pushing, blob)));
  await allOrStop(works, pushing.stop);
}

async function pushBlob({ parts, namespace, repository, onProgress }: Pushing, descriptor: Descriptor): Promise<void> {
  const { digest, size: total } = descriptor;
  const { content } = parts;
  const mountFrom = otherRepository(content.info(namespace, digest).labels, repository);
  const result = await repository.pushBlob({
    descriptor,
    read: (offset) => content.read(namespace, digest, { offset }),
    ...(mountFrom === undefined ? {} : { mountFrom }),
    onProgress: (current) => onProgress({ kind: 'uploading', digest, current, total }),
  });
  await content.setLabels(namespace, digest, (labels) => withSource(labels, repository.reference));
  const kinds = { pushed: 'uploaded', mounted: 'mounted', exists: 'exists' } as const;
  onProgress({ kind: kinds[result], digest });
}

/** A repository of the same registry that the blob came from or went to. */
function otherRepository(labels: Readonly<Record<string, string>>, { reference }: Repository): string | undefined {
  const known = (labels[sourceLabel(reference.domain)] ?? '').split(',');
  return known.findLast((path) => path !== '' && path !== reference.path);
}

/** Children go by their digest; only the outermost gets the tag. */
async function pushManifests(pushing: Pushing, stored: StoredTarget, tag: string | undefined): Promise<void> {
  if (stored.kind === 'index') for (const child of stored.children) await pushManifests(pushing, child, undefined);
  const { parts, namespace, repository } = pushing;
  const bytes = await parts.content.readWhole(namespace, stored.descriptor.digest, maxManifestBytes);
  await repository.pushManifest(stored.descriptor, bytes, tag);
}
