import type { MessageInitShape } from '@bufbuild/protobuf';
import { isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Images, type ImageSchema } from '#/gen/containerd/services/images/v1/images_pb.ts';

/** Gives a name to what an image points at, also when another image has the name. */
export async function nameImage(client: ContainerdClient, image: MessageInitShape<typeof ImageSchema>): Promise<void> {
  try {
    await client.call(Images.method.create, { image });
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    await client.call(Images.method.update, { image, updateMask: { paths: ['target', 'labels'] } });
  }
}
