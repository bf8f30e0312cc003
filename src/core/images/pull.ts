import type { ImageProgress, PullImage, UnpackTarget } from '#/core/images/contract.ts';
import { fetchDocuments, type FetchedManifest } from '#/core/images/fetch-documents.ts';
import { fetchLayer, type Fetching } from '#/core/images/fetch.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { LayerDownloads } from '#/core/images/layer-downloads.ts';
import { underLastingLease } from '#/core/images/lease-work.ts';
import { checkConfig, checkLayers, fits } from '#/core/images/read-image.ts';
import { allOrStop } from '#/core/images/run-together.ts';
import { storeImages } from '#/core/images/store-image.ts';
import { getSnapshotter, unpackStack } from '#/core/images/unpack.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { chainIds } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { formatReference } from '#/oci/reference.ts';

/**
 * Fetches an image and unpacks its layers as they arrive. Everything is under a lease until the image's record is
 * written; after a failure, or a crash and a day, garbage collection takes what came so far. Half a download stays a
 * day to be taken up again.
 */
export async function pullImage(parts: ImageParts, namespace: string, options: PullImage): Promise<ImageRecord> {
  const name = formatReference(options.reference);
  const { access = {}, labels, onProgress = (): void => {} } = options;
  const nameTargets = options.nameTargets ?? ((target) => [{ name, target, labels }]);
  for (const { snapshotter } of options.unpacks ?? []) getSnapshotter(parts, snapshotter);
  onProgress({ kind: 'resolving', name });
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  await using repository = await parts.registry.openRepository(options.reference, { ...access, signal });
  const target = await repository.resolve();
  onProgress({ kind: 'resolved', name, target });
  return await underLastingLease(parts, namespace, async (lease) => {
    const fetching: Fetching = { parts, namespace, repository, lease: lease.id, signal, onProgress };
    const selection = { ...options, what: `image "${name}"` };
    const manifests = await fetchDocuments(fetching, { target, selection, stop });
    if (options.lenient !== true) checkStrictly(manifests, options);
    await fetchLayers(fetching, manifests, { unpacks: options.unpacks ?? [], stop });
    const stored = await storeImages(parts, namespace, { images: nameTargets(target), also: lease.endIn });
    for (const record of stored) onProgress({ kind: 'stored', name: record.name, target });
    return stored[0] as ImageRecord;
  });
}

/** Refuses what would not run, before any byte of a layer is fetched. */
function checkStrictly(manifests: readonly FetchedManifest[], { platforms, reference }: PullImage): void {
  const what = `image "${formatReference(reference)}"`;
  for (const { manifest, config, whole, wasChosen } of manifests)
    if (whole) {
      checkConfig({ manifest, config, wasChosen }, { what, platforms: platforms ?? [hostPlatform()] });
      checkLayers(manifest, what);
    }
}

interface LayerWork {
  readonly unpacks: readonly UnpackTarget[];
  readonly stop: AbortController;
}

/** All layers, three at a time; unpacking follows from the bottom up. A layer that is there twice is fetched once. */
async function fetchLayers(
  fetching: Fetching,
  manifests: readonly FetchedManifest[],
  { unpacks, stop }: LayerWork,
): Promise<void> {
  const { signal, onProgress } = fetching;
  const whole = manifests.filter((entry) => entry.whole);
  const all = whole.flatMap(({ manifest }) => manifest.layers);
  const layers = [...new Map(all.map((layer) => [layer.digest, layer])).values()];
  onProgress({ kind: 'layers', layers: all });
  for (const { digest } of layers) onProgress({ kind: 'waiting', digest } satisfies ImageProgress);
  const downloads = new LayerDownloads(fetching.parts.transfers.downloads, signal, (layer) =>
    fetchLayer(fetching, layer),
  );
  const stacks = stacksOf(whole, unpacks).map((stack) => ({
    ...stack,
    snapshotter: getSnapshotter(fetching.parts, stack.snapshotter),
  }));
  const lazy = new Set(stacks.filter(({ snapshotter }) => snapshotter.lazy === true).map(({ manifest }) => manifest));
  const wanted = whole.flatMap(({ manifest }) => (lazy.has(manifest) ? [] : manifest.layers));
  const unpacking = stacks.map(async ({ descriptor, manifest, config, snapshotter }) => {
    const { diffIds } = config;
    const stack = { layers: manifest.layers, diffIds, chain: chainIds(diffIds), configDigest: manifest.config.digest };
    const source = { reference: formatReference(fetching.repository.reference), manifest: descriptor.digest };
    // A lazy snapshotter needs no download of what it has already; where that ends, all above are needed.
    const arrival = async (index: number): Promise<void> => {
      const [first] = manifest.layers.slice(index).map((layer) => downloads.begin(layer));
      await first;
    };
    await unpackStack({ ...fetching, snapshotter }, { ...stack, source, arrival });
  });
  try {
    await allOrStop([...wanted.map((layer) => downloads.begin(layer)), ...unpacking], stop);
  } finally {
    await downloads.settled();
  }
}

/** What is to be unpacked for whom: each image that runs on a wanted platform, once per snapshotter. */
function stacksOf(manifests: readonly FetchedManifest[], unpacks: readonly UnpackTarget[]) {
  return manifests.flatMap(({ descriptor, manifest, config, wasChosen }) => {
    if (config === undefined || config.diffIds.length !== manifest.layers.length) return [];
    const wanted = unpacks.filter(({ platform }) => fits(platform, config.platform, wasChosen));
    const snapshotters = [...new Set(wanted.map(({ snapshotter }) => snapshotter))];
    return snapshotters.map((snapshotter) => ({ descriptor, manifest, config, snapshotter }));
  });
}
