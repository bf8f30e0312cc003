import { writeBytes } from '#/api/containerd/transfer/byte-stream.ts';
import { readImageStore, readPlatform, type StoreEnd } from '#/api/containerd/transfer/image-store.ts';
import type { TransferVerb } from '#/api/containerd/transfer/transfer-context.ts';
import { EngineError } from '#/base/errors.ts';
import { ImageExportStreamSchema } from '#/gen/containerd/types/transfer/importexport_pb.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { unpackMessage } from '#/rpc/any.ts';

/** Image store → archive. What is not here of what is asked for is taken from where it came from. */
export const exportArchive: TransferVerb = async (context, source, destination) => {
  const { core, namespace, signal, tell, useStream } = context;
  const from = readImageStore(core, source);
  const to = unpackMessage(ImageExportStreamSchema, destination);
  const stream = useStream(to.stream);
  tell({ event: 'Exporting' });
  const archive = core.images.export(namespace, {
    names: namesOf(from),
    platforms: to.platforms.length === 0 ? [hostPlatform()] : to.platforms.map(readPlatform),
    allPlatforms: to.allPlatforms,
    complete: true,
    skipDockerManifest: to.skipCompatibilityManifest,
    skipForeign: to.skipNonDistributable,
    signal,
  });
  await writeBytes(stream, archive, signal);
  tell({ event: 'Completed export' });
};

function namesOf({ name, references }: StoreEnd): string[] {
  const prefix = references.find(({ isPrefix }) => isPrefix);
  if (prefix !== undefined)
    throw new EngineError('unimplemented', `Cannot export all images of "${prefix.name}": name each of them`);
  return [...(name === '' ? [] : [name]), ...references.map((reference) => reference.name)];
}
