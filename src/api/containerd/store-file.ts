import { createReadStream } from 'node:fs';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { leaseOf } from '#/api/containerd/request-scope.ts';
import type { Labels } from '#/base/any.ts';
import { isKind } from '#/base/errors.ts';
import type { Digest } from '#/oci/digest.ts';
import type { CallContext } from '#/rpc/service.ts';

export interface StoreFile {
  readonly namespace: string;
  readonly ref: string;
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  readonly labels: Labels;
}

/** Makes a file a blob; one that is here already gets the labels all the same. */
export async function storeFile(
  { content, events }: Pick<ContainerdCore, 'content' | 'events'>,
  { namespace, ref, path, digest, size, labels }: StoreFile,
  context: CallContext,
): Promise<void> {
  try {
    await using ingest = await content.openIngest(namespace, {
      ref,
      total: size,
      expected: digest,
      ...leaseOf(context),
    });
    if (ingest.status().offset !== size) {
      await ingest.truncate();
      const bytes = createReadStream(path, { highWaterMark: 1 << 20, signal: context.signal });
      for await (const chunk of bytes) await ingest.write(chunk as Buffer);
    }
    await ingest.commit({ size, expected: digest, labels });
    events.publish(namespace, { topic: '/content/create', digest, size });
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    await content.setLabels(namespace, digest, (before) => ({ ...before, ...labels }));
  }
}
