import { namesOfStore, readImageStore } from '#/api/containerd/transfer/image-store.ts';
import type { TransferVerb } from '#/api/containerd/transfer/transfer-context.ts';

/** Image store → image store: the same target under other names. */
export const tag: TransferVerb = async ({ core, namespace }, source, destination) => {
  const from = readImageStore(core, source);
  const to = readImageStore(core, destination);
  await core.images.name(namespace, from.name, namesOfStore(to));
};
