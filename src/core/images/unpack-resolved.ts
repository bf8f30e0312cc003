import { EngineError } from '#/base/errors.ts';
import type { ImageOptions, ResolvedImage } from '#/core/images/contract.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { missingBlobs } from '#/core/images/read-image.ts';
import { getSnapshotter, isUnpacked, unpackStack } from '#/core/images/unpack.ts';
import type { Digest } from '#/oci/digest.ts';

export interface UnpackResolved {
  readonly image: ResolvedImage;
  readonly snapshotter: string;
  readonly lease: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ImageOptions['onProgress'] | undefined;
}

/** Makes the snapshots of an image whose layers are stored; returns the top chain id. */
export async function unpackResolved(parts: ImageParts, namespace: string, unpack: UnpackResolved): Promise<Digest> {
  const { image, lease, signal = new AbortController().signal, onProgress = (): void => {} } = unpack;
  const snapshotter = getSnapshotter(parts, unpack.snapshotter);
  const what = `image ${image.manifestDescriptor.digest}`;
  const top = image.chain.at(-1);
  if (top === undefined) throw new EngineError('failed-precondition', `Cannot unpack ${what}: it has no layers`);
  await unpackStack(
    { parts, namespace, snapshotter, lease, signal, onProgress },
    {
      layers: image.manifest.layers,
      diffIds: image.config.diffIds,
      chain: image.chain,
      configDigest: image.configDigest,
      arrival: async (index) => {
        const { digest } = image.manifest.layers[index] ?? image.manifestDescriptor;
        if (parts.content.find(namespace, digest) === undefined) throw missingBlobs(what, [digest]);
      },
    },
  );
  return top;
}

/** The same under a lease of its own; an image that is unpacked already costs no write. */
export async function unpackImage(
  parts: ImageParts,
  namespace: string,
  unpack: Omit<UnpackResolved, 'lease'>,
): Promise<Digest> {
  const { image, snapshotter } = unpack;
  const { configDigest } = image;
  const top = image.chain.at(-1);
  if (top !== undefined && isUnpacked(parts, namespace, { snapshotter, top, configDigest })) return top;
  return await underLease(
    parts,
    namespace,
    async ({ id }) => await unpackResolved(parts, namespace, { ...unpack, lease: id }),
  );
}
