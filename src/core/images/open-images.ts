import { KeyedMutex } from '#/base/keyed-mutex.ts';
import { silentLogger } from '#/base/log.ts';
import type { Garbage } from '#/core/garbage/contract.ts';
import type { Images } from '#/core/images/contract.ts';
import { exportImages } from '#/core/images/export.ts';
import { findImage, getImage } from '#/core/images/find.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { importImages } from '#/core/images/import.ts';
import { pullImage } from '#/core/images/pull.ts';
import { pushImage } from '#/core/images/push.ts';
import { recoverLeases } from '#/core/images/recover-leases.ts';
import { rememberResolved } from '#/core/images/remember-resolved.ts';
import { resolveImage } from '#/core/images/resolve.ts';
import { nameImage, removeImage, tagImage } from '#/core/images/tag.ts';
import { unpackImage } from '#/core/images/unpack-resolved.ts';
import { defaultExpansion } from '#/core/layers/expansion.ts';

export type ImagesContext = Pick<
  ImageParts,
  'metadata' | 'content' | 'snapshotters' | 'layers' | 'registry' | 'events'
> &
  Partial<Pick<ImageParts, 'logger' | 'expansion' | 'transfers'>> & { readonly garbage: Garbage };

const usualTransfers = { downloads: 3, uploads: 3 };

export function openImages({ garbage, ...context }: ImagesContext): Images {
  const parts: ImageParts = {
    ...context,
    logger: context.logger ?? silentLogger,
    expansion: context.expansion ?? defaultExpansion,
    transfers: context.transfers ?? usualTransfers,
    unpacking: new KeyedMutex(),
    collect: async () => void (await garbage.collect()),
  };
  return {
    pull: async (namespace, options) => await pullImage(parts, namespace, options),
    push: async (namespace, options) => await pushImage(parts, namespace, options),
    import: async (namespace, options) => await importImages(parts, namespace, options),
    export: (namespace, options) => exportImages(parts, namespace, options),
    tag: async (namespace, source, target) => await tagImage(parts, namespace, { source, target }),
    name: async (namespace, source, nameTargets) => await nameImage(parts, namespace, { source, nameTargets }),
    remove: async (namespace, name) => await removeImage(parts, namespace, name),
    find: async (namespace, text) => await findImage(parts, namespace, text),
    get: async (namespace, text) => await getImage(parts, namespace, text),
    list: (namespace) => parts.metadata.read.images.list(namespace),
    resolve: rememberResolved(
      parts.content,
      async (namespace, target, platform) => await resolveImage(parts, namespace, { target, platform }),
    ),
    unpack: async (namespace, image, snapshotter, options = {}) =>
      await unpackImage(parts, namespace, { ...options, image, snapshotter }),
    recover: async () => await recoverLeases(parts),
    collectGarbage: () => garbage.collect(),
  };
}
