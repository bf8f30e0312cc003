import { readImageStore } from '#/api/containerd/transfer/image-store.ts';
import { partsTeller, wireTarget } from '#/api/containerd/transfer/progress.ts';
import { readRegistry } from '#/api/containerd/transfer/registry-end.ts';
import type { TransferVerb } from '#/api/containerd/transfer/transfer-context.ts';

/** Image store → registry. What is not here of an index is taken from where it came from. */
export const push: TransferVerb = async (context, source, destination) => {
  const { core, namespace, signal, tell } = context;
  const from = readImageStore(core, source);
  const to = readRegistry(context, destination);
  const what = `OCI Registry (${to.text})`;
  const { target } = await core.images.get(namespace, from.name);
  const tellPart = partsTeller(tell, from.name);
  tell({ event: `Pushing to ${what}` });
  tell({ event: 'pushing content', name: from.name, desc: wireTarget(target) });
  const pushed = await core.images.push(namespace, {
    name: from.name,
    reference: to.reference,
    platforms: from.selection.platforms,
    access: to.access,
    complete: true,
    signal,
    onProgress: (progress) => {
      if (progress.kind !== 'stored') tellPart(progress);
    },
  });
  tell({ event: 'pushed content', name: from.name, desc: wireTarget(pushed) });
  tell({ event: `Completed push to ${what}`, desc: wireTarget(pushed) });
};
