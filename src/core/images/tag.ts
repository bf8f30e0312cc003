import { EngineError } from '#/base/errors.ts';
import type { NameTargets } from '#/core/images/contract.ts';
import { getImage } from '#/core/images/find.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { storeImages } from '#/core/images/store-image.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { formatReference, type Reference } from '#/oci/reference.ts';

/** Gives an image another name. The source is looked for again in the write, so that it cannot vanish in between. */
export async function tagImage(
  parts: ImageParts,
  namespace: string,
  { source, target }: { readonly source: string; readonly target: Reference },
): Promise<ImageRecord> {
  const name = formatReference(target);
  if (target.digest !== undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot tag "${source}" as "${name}": a digest cannot be given to an image`,
    );
  const found = await getImage(parts, namespace, source);
  const [record] = await storeImages(parts, namespace, {
    images: [{ name, target: found.target, labels: found.labels }],
    also: (tx) => void tx.images.get(namespace, found.name),
  });
  return record as ImageRecord;
}

/** Gives an image whatever names the caller makes of its target. */
export async function nameImage(
  parts: ImageParts,
  namespace: string,
  { source, nameTargets }: { readonly source: string; readonly nameTargets: NameTargets },
): Promise<ImageRecord[]> {
  const found = await getImage(parts, namespace, source);
  return await storeImages(parts, namespace, {
    images: nameTargets(found.target),
    also: (tx) => void tx.images.get(namespace, found.name),
  });
}

/** Takes a name away, and collects what only that name kept. */
export async function removeImage(parts: ImageParts, namespace: string, name: string): Promise<void> {
  await parts.metadata.write((tx) => tx.images.delete(namespace, name));
  parts.events.publish(namespace, { topic: '/images/delete', name });
  await parts.collect();
}
