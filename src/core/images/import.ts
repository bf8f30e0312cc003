import { EngineError } from '#/base/errors.ts';
import { decompressArchive } from '#/core/images/archive-stream.ts';
import { readArchiveIndex, type ArchiveIndex } from '#/core/images/archive-index.ts';
import type { ImportImages, NamedTarget } from '#/core/images/contract.ts';
import { addLabels } from '#/core/images/fetch.ts';
import { childLabels } from '#/core/images/gc-labels.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { archivedName, oneEach } from '#/core/images/name-archived.ts';
import { receiveArchive, type ReceiveContext } from '#/core/images/receive-archive.ts';
import { selectEntries } from '#/core/images/select-entries.ts';
import { settleArchived } from '#/core/images/settle-archived.ts';
import { storeImages } from '#/core/images/store-image.ts';
import { getSnapshotter } from '#/core/images/unpack.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { isAttestation, mediaTypes } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';

/** Takes an archive in as it streams by, checks what it holds, unpacks it if asked, then names its images in one write. */
export async function importImages(
  parts: ImageParts,
  namespace: string,
  options: ImportImages,
): Promise<ImageRecord[]> {
  const { onProgress = (): void => {}, signal, unpacks = [], compressLayers = false } = options;
  for (const { snapshotter } of unpacks) getSnapshotter(parts, snapshotter);
  if (unpacks.length > 0) parts.layers.expect();
  return await underLease(parts, namespace, async (lease) => {
    const context: ReceiveContext = { parts, namespace, lease: lease.id, signal, onProgress };
    const archive = await receiveArchive(context, decompressArchive(options.archive, parts.expansion));
    const whole = await readArchiveIndex(context, archive, { compressLayers });
    const entries = chooseEntries(whole, options);
    for (const target of distinct(entries)) await settleArchived(context, target, options);
    const images = [...(await nameWhole(context, whole, options)), ...nameEntries(entries, options)];
    if (images.length === 0) throw nameless(entries);
    signal?.throwIfAborted();
    const stored = await storeImages(parts, namespace, { images, also: lease.endIn });
    for (const { name, target } of stored) onProgress({ kind: 'stored', name, target });
    return stored;
  });
}

const distinct = (targets: readonly Descriptor[]): Descriptor[] => [
  ...new Map(targets.map((target) => [target.digest, target])).values(),
];

/** Those of an archive's images that are wanted; several may be one target under different names. */
function chooseEntries({ index }: ArchiveIndex, { platforms = [], lenient = false }: ImportImages): Descriptor[] {
  const runnable = index.manifests.filter((entry) => !isAttestation(entry));
  if (!lenient || platforms.length === 0) return runnable;
  const chosen = selectEntries(index, { what: 'the archive', platforms, lenient }).map(({ entry }) => entry.digest);
  return runnable.filter(({ digest }) => chosen.includes(digest));
}

function nameEntries(
  entries: readonly Descriptor[],
  { nameEntry = archivedName, platforms: [platform = hostPlatform()] = [] }: ImportImages,
): NamedTarget[] {
  return oneEach(
    entries.flatMap((target) => nameEntry(target)),
    platform,
  );
}

const nameless = (entries: readonly Descriptor[]): EngineError =>
  new EngineError(
    'not-found',
    `Cannot import the archive: none of its ${entries.length} images has a name that fits; give a base name, or ask for names by digest`,
  );

/** The archive's own index, where it is to be kept as an image of several platforms. */
async function nameWhole(
  { parts, namespace, lease }: ReceiveContext,
  { bytes, index }: ArchiveIndex,
  options: ImportImages,
): Promise<readonly NamedTarget[]> {
  const target: Descriptor = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.byteLength };
  const names = options.nameWhole?.(target) ?? [];
  if (names.length === 0) return [];
  await parts.content.put(namespace, bytes, { lease });
  await addLabels({ parts, namespace }, target.digest, childLabels(index.manifests));
  return names;
}
