import { readBytes, writeBytes } from '#/api/containerd/transfer/byte-stream.ts';
import type { TransferVerb } from '#/api/containerd/transfer/transfer-context.ts';
import { ImageExportStreamSchema, ImageImportStreamSchema } from '#/gen/containerd/types/transfer/importexport_pb.ts';
import { unpackMessage } from '#/rpc/any.ts';

/** Archive → archive: the same bytes, for clients that try their streams. */
export const echo: TransferVerb = async ({ useStream, signal }, source, destination) => {
  const from = unpackMessage(ImageImportStreamSchema, source);
  const to = unpackMessage(ImageExportStreamSchema, destination);
  await writeBytes(useStream(to.stream), readBytes(useStream(from.stream), signal), signal);
};
