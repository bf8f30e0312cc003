import { isKind } from '#/base/errors.ts';
import type { ResolvedImage } from '#/core/images/contract.ts';
import { getSnapshotter } from '#/engine/context.ts';
import type { Engine } from '#/engine/open-engine.ts';

/** Bytes that an image takes on disk: its blobs, and its layers where they are unpacked. */
export async function imageSize(engine: Engine, namespace: string, image: ResolvedImage): Promise<number> {
  const { manifestDescriptor, manifest, chain } = image;
  const blobs = [manifestDescriptor, manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0);
  const snapshotter = getSnapshotter(engine, engine.snapshotter);
  const unpacked = await Promise.all(
    chain.map(async (key) => {
      try {
        return (await snapshotter.usage(namespace, key)).size;
      } catch (error) {
        if (isKind(error, 'not-found')) return 0;
        throw error;
      }
    }),
  );
  return unpacked.reduce((sum, size) => sum + size, blobs);
}
