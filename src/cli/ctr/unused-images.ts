import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';

/** Names of images that no container uses, but for those containers that are to go. */
export async function unusedImages(client: ContainerdClient, going: ReadonlySet<string>): Promise<string[]> {
  const { images } = await client.call(Images.method.list, {});
  const { containers } = await client.call(Containers.method.list, {});
  const used = new Set(containers.filter(({ id }) => !going.has(id)).map(({ image }) => image));
  return images.map(({ name }) => name).filter((name) => !used.has(name));
}
