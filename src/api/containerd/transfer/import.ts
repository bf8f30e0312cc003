import { readBytes } from '#/api/containerd/transfer/byte-stream.ts';
import { readImageStore } from '#/api/containerd/transfer/image-store.ts';
import { wireTarget } from '#/api/containerd/transfer/progress.ts';
import type { TransferVerb } from '#/api/containerd/transfer/transfer-context.ts';
import { namesOfEntry, namesOfTarget } from '#/core/images/name-targets.ts';
import { ImageImportStreamSchema } from '#/gen/containerd/types/transfer/importexport_pb.ts';
import { unpackMessage } from '#/rpc/any.ts';

/** Archive → image store. The archive's own index is kept when it gets a name. */
export const importArchive: TransferVerb = async (context, source, destination) => {
  const { core, namespace, signal, tell, useStream } = context;
  const { stream, forceCompress } = unpackMessage(ImageImportStreamSchema, source);
  const to = readImageStore(core, destination);
  tell({ event: 'Importing' });
  await core.images.import(namespace, {
    archive: readBytes(useStream(stream), signal),
    platforms: to.selection.platforms,
    unpacks: to.unpacks,
    lenient: true,
    compressLayers: forceCompress,
    nameEntry: (target) => namesOfEntry(to, target),
    nameWhole: (target) => namesOfTarget(to, target),
    signal,
    onProgress: (progress) => {
      if (progress.kind === 'stored') tell({ event: 'saved', name: progress.name, desc: wireTarget(progress.target) });
    },
  });
  tell({ event: 'Completed import' });
};
