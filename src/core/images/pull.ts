import type { ImageProgress, PullImage } from '#/core/images/contract.ts';
import { addLabels, fetchConfig, fetchDocument, fetchLayer, type Fetching } from '#/core/images/fetch.ts';
import { indexLabels, manifestLabels } from '#/core/images/gc-labels.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { findManifest, readConfig, type FoundManifest } from '#/core/images/read-image.ts';
import { allOrStop, Slots } from '#/core/images/run-together.ts';
import { storeImages } from '#/core/images/store-image.ts';
import { getSnapshotter, unpackStack } from '#/core/images/unpack.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import { chainIds, type ImageConfig } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { formatReference } from '#/oci/reference.ts';

const downloadsAtOnce = 3;

/**
 * Fetches an image and unpacks its layers as they arrive. Everything is under a lease until the image's record is
 * written; after a failure, or a crash and a day, garbage collection takes what came so far. Half a download stays a
 * day to be taken up again.
 */
export async function pullImage(parts: ImageParts, namespace: string, options: PullImage): Promise<ImageRecord> {
  const name = formatReference(options.reference);
  const onProgress = options.onProgress ?? ((): void => {});
  const snapshotter = options.snapshotter === undefined ? undefined : getSnapshotter(parts, options.snapshotter);
  onProgress({ kind: 'resolving', name });
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const { reference, credentials = {} } = options;
  await using repository = await parts.registry.openRepository(reference, { credentials, signal });
  const target = await repository.resolve();
  onProgress({ kind: 'resolved', name, target });
  return await underLease(parts, namespace, async (lease) => {
    const fetching: Fetching = { parts, namespace, repository, lease: lease.id, signal, onProgress };
    const image = await fetchDocuments(fetching, { target, options, name });
    await fetchLayers(fetching, image, { snapshotter, stop });
    const [record] = await storeImages(parts, namespace, {
      images: [{ name, target, labels: options.labels }],
      also: lease.endIn,
    });
    onProgress({ kind: 'stored', name, target });
    return record as ImageRecord;
  });
}

interface FetchedImage extends FoundManifest {
  readonly config: ImageConfig;
}

interface PullTarget {
  readonly target: Descriptor;
  readonly options: PullImage;
  readonly name: string;
}

/** Indexes, manifest and config; each parent is labelled with what it keeps. */
async function fetchDocuments(fetching: Fetching, { target, options, name }: PullTarget): Promise<FetchedImage> {
  const { platform = hostPlatform() } = options;
  const what = `image "${name}"`;
  const read = async (descriptor: Descriptor): Promise<Uint8Array> => await fetchDocument(fetching, descriptor);
  const found = await findManifest(target, { what, platform, read });
  const chosen = new Set<Digest>([
    found.manifestDescriptor.digest,
    ...found.indexes.map(({ descriptor }) => descriptor.digest),
  ]);
  for (const { descriptor, index } of found.indexes)
    await addLabels(
      fetching,
      descriptor.digest,
      indexLabels(index.manifests, (digest) => chosen.has(digest)),
    );
  await addLabels(fetching, found.manifestDescriptor.digest, manifestLabels(found.manifest));
  const readBlob = async (descriptor: Descriptor): Promise<Uint8Array> => await fetchConfig(fetching, descriptor);
  const config = await readConfig(found, { what, platform, read: readBlob });
  return { ...found, config };
}

/** All layers, three at a time; unpacking follows from the bottom up. A layer that is there twice is fetched once. */
async function fetchLayers(
  fetching: Fetching,
  { manifest, config }: FetchedImage,
  {
    snapshotter,
    stop,
  }: { readonly snapshotter: ReturnType<typeof getSnapshotter> | undefined; readonly stop: AbortController },
): Promise<void> {
  const { signal, onProgress } = fetching;
  const layers = [...new Map(manifest.layers.map((layer) => [layer.digest, layer])).values()];
  onProgress({ kind: 'layers', layers: manifest.layers });
  for (const { digest } of layers) onProgress({ kind: 'waiting', digest } satisfies ImageProgress);
  const slots = new Slots(downloadsAtOnce);
  const arrivals = new Map(
    layers.map((layer) => [layer.digest, slots.run(signal, async () => await fetchLayer(fetching, layer))]),
  );
  const unpacking =
    snapshotter === undefined
      ? []
      : [
          unpackStack(
            { ...fetching, snapshotter },
            {
              layers: manifest.layers,
              diffIds: config.diffIds,
              chain: chainIds(config.diffIds),
              configDigest: manifest.config.digest,
              arrival: async (digest) => await arrivals.get(digest),
            },
          ),
        ];
  await allOrStop([...arrivals.values(), ...unpacking], stop);
}
