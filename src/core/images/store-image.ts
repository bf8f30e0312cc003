import { now } from '#/base/clock.ts';
import type { NamedTarget } from '#/core/images/contract.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import type { ImageRecord, Transaction } from '#/core/metadata/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';

/** Gives targets their names, new or moved, in one durable write together with `also`; then tells of it. */
export async function storeImages(
  { metadata, events }: ImageParts,
  namespace: string,
  { images, also }: { readonly images: readonly NamedTarget[]; readonly also?: (tx: Transaction) => void },
): Promise<ImageRecord[]> {
  const stored = await metadata.write((tx) => {
    const results = images.map((image) => storeOne(tx, namespace, image));
    also?.(tx);
    return results;
  });
  for (const { topic, record } of stored)
    events.publish(namespace, { topic, name: record.name, labels: record.labels });
  return stored.map(({ record }) => record);
}

interface Stored {
  readonly topic: '/images/create' | '/images/update';
  readonly record: ImageRecord;
}

function storeOne(tx: Transaction, namespace: string, { name, target, labels }: NamedTarget): Stored {
  const at = now();
  const existing = tx.images.find(namespace, name);
  const record: ImageRecord = {
    name,
    target: { mediaType: target.mediaType, digest: target.digest, size: target.size, ...annotationsOf(target) },
    labels: labels ?? existing?.labels ?? {},
    createdAt: existing?.createdAt ?? at,
    updatedAt: at,
  };
  if (existing === undefined) tx.images.create(namespace, record);
  else tx.images.update(namespace, record);
  return { topic: existing === undefined ? '/images/create' : '/images/update', record };
}

const annotationsOf = ({ annotations }: Descriptor): Pick<Descriptor, 'annotations'> =>
  annotations === undefined ? {} : { annotations };
