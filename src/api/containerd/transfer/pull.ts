import { namesOfStore, readImageStore } from '#/api/containerd/transfer/image-store.ts';
import { partsTeller, wireTarget } from '#/api/containerd/transfer/progress.ts';
import { readRegistry } from '#/api/containerd/transfer/registry-end.ts';
import type { TransferVerb } from '#/api/containerd/transfer/transfer-context.ts';

/** Registry → image store. */
export const pull: TransferVerb = async (context, source, destination) => {
  const { core, namespace, signal, tell } = context;
  const from = readRegistry(context, source);
  const to = readImageStore(core, destination);
  const what = `OCI Registry (${from.text})`;
  const tellPart = partsTeller(tell, from.text);
  tell({ event: `Resolving from ${what}` });
  await core.images.pull(namespace, {
    ...to.selection,
    reference: from.reference,
    access: from.access,
    unpacks: to.unpacks,
    lenient: true,
    nameTargets: namesOfStore(to),
    signal,
    onProgress: (progress) => {
      if (progress.kind === 'resolved') {
        tell({ event: `Pulling from ${what}` });
        tell({ event: 'fetching image content', name: from.text, desc: wireTarget(progress.target) });
      } else {
        tellPart(progress);
      }
    },
  });
  tell({ event: `Completed pull from ${what}` });
};
