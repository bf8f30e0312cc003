import { isKind } from '#/base/errors.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { onceLabel } from '#/core/images/lease.ts';

/** Ends the leases that a daemon which died had for work that cannot be gone on with, and drops its uploads. */
export async function recoverLeases({ metadata, content, logger }: ImageParts): Promise<void> {
  const { read } = metadata;
  for (const { name: namespace } of read.listNamespaces())
    for (const { id, labels } of read.leases.list(namespace)) {
      if (labels[onceLabel] === undefined) continue;
      const uploads = read.leaseResources(namespace, id).filter(({ type }) => type === 'ingests');
      for (const upload of uploads)
        await content.abortIngest(namespace, upload.id).catch((error: unknown) => {
          if (!isKind(error, 'not-found')) throw error;
        });
      await metadata.write((tx) => tx.leases.delete(namespace, id));
      logger.info('an operation that was cut off is undone', { namespace, lease: id, uploads: uploads.length });
    }
}
