import { EngineError, describeFailure, isKind } from '#/base/errors.ts';
import type { ImportImages } from '#/core/images/contract.ts';
import { addLabels } from '#/core/images/fetch.ts';
import { childLabels } from '#/core/images/gc-labels.ts';
import { manifestsOf, readStored, type StoredTarget } from '#/core/images/image-content.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { dockerImages } from '#/core/images/import-docker.ts';
import { ociImages, type ArchivedImage } from '#/core/images/import-oci.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { missingBlobs } from '#/core/images/read-image.ts';
import { receiveArchive, type ReceiveContext, type ReceivedArchive } from '#/core/images/receive-archive.ts';
import { resolveImage } from '#/core/images/resolve.ts';
import { storeImages } from '#/core/images/store-image.ts';
import { unpackResolved } from '#/core/images/unpack-resolved.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { hostPlatform } from '#/oci/platform.ts';

/** Takes an archive in as it streams by, checks what it holds, unpacks it if asked, then names its images in one write. */
export async function importImages(
  parts: ImageParts,
  namespace: string,
  options: ImportImages,
): Promise<ImageRecord[]> {
  const { onProgress = (): void => {}, signal } = options;
  if (options.snapshotter !== undefined) parts.layers.expect();
  return await underLease(parts, namespace, async (lease) => {
    const context: ReceiveContext = { parts, namespace, lease: lease.id, signal, onProgress };
    const archive = await receiveArchive(context, options.archive);
    const archived = await listImages(context, archive, options);
    for (const { target } of distinct(archived)) await settle(context, target, options);
    const images = archived.flatMap(({ target, names }) =>
      (names.length === 0 ? [target.digest] : names).map((name) => ({ name, target })),
    );
    const stored = await storeImages(parts, namespace, { images, also: lease.endIn });
    for (const { name, target } of stored) onProgress({ kind: 'stored', name, target });
    return stored;
  });
}

const distinct = (images: readonly ArchivedImage[]): ArchivedImage[] => [
  ...new Map(images.map((image) => [image.target.digest, image])).values(),
];

async function listImages(
  context: ReceiveContext,
  archive: ReceivedArchive,
  { platform = hostPlatform() }: ImportImages,
): Promise<ArchivedImage[]> {
  const index = archive.documents.get('index.json');
  const manifest = archive.documents.get('manifest.json');
  const images =
    index !== undefined
      ? ociImages(index, platform)
      : manifest !== undefined
        ? await dockerImages(context, archive, manifest)
        : [];
  if (images.length > 0) return images;
  const why =
    index === undefined && manifest === undefined
      ? 'it has neither an index.json nor a manifest.json, so it is no archive of images'
      : 'it has no images';
  throw new EngineError('invalid-argument', `Cannot import the archive: ${why}`);
}

/** Checks that an image is all there, has its parents keep their parts, and unpacks it if asked. */
async function settle(context: ReceiveContext, target: Descriptor, options: ImportImages): Promise<void> {
  const { parts, namespace } = context;
  const stored = await readArchived(context, target);
  await labelAll(context, stored);
  const usable = manifestsOf(stored).some(({ missing }) => missing.length === 0);
  if (!usable) throw incomplete(missingBlobs(`image ${target.digest}`, stored.missing));
  const { platform, snapshotter } = options;
  if (platform === undefined && snapshotter === undefined) return;
  const image = await resolveImage(parts, namespace, { target, platform });
  const chosen = await readArchived(context, image.manifestDescriptor);
  if (chosen.missing.length > 0) throw incomplete(missingBlobs(`image ${target.digest}`, chosen.missing));
  if (snapshotter !== undefined && image.chain.length > 0)
    await unpackResolved(parts, namespace, { ...context, image, snapshotter });
}

async function readArchived({ parts, namespace }: ReceiveContext, target: Descriptor): Promise<StoredTarget> {
  try {
    return await readStored(parts.content, namespace, { target });
  } catch (error) {
    throw isKind(error, 'not-found') ? incomplete(error) : error;
  }
}

const incomplete = (error: unknown): EngineError =>
  describeFailure('Cannot import the archive: it is incomplete', error);

async function labelAll(context: ReceiveContext, stored: StoredTarget): Promise<void> {
  const { digest } = stored.descriptor;
  if (stored.kind === 'manifest') {
    const { config, layers } = stored.manifest;
    await addLabels(context, digest, childLabels([config, ...layers]));
    return;
  }
  await addLabels(context, digest, childLabels(stored.index.manifests));
  for (const child of stored.children) await labelAll(context, child);
}
