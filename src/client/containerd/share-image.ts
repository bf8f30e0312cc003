import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { findContentInfo, readContent } from '#/client/containerd/content.ts';
import { childrenOf, targetOf } from '#/client/containerd/image-graph.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { nameImage } from '#/client/containerd/name-image.ts';
import { writeContent } from '#/client/containerd/write-content.ts';
import type { Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';

/**
 * Names an image in another namespace. A daemon that shares content between namespaces links the blobs; one that does
 * not is sent them. What is not here (other platforms) stays away there too.
 */
export async function shareImage(
  client: ContainerdClient,
  image: Image,
  namespace: string,
): Promise<{ readonly blobs: number }> {
  return await underLease(client.within({ namespace }), async (target) => {
    const shared = new Set<string>();
    const share = async (descriptor: Descriptor): Promise<void> => {
      if (shared.has(descriptor.digest)) return;
      const info = await findContentInfo(client, descriptor.digest);
      if (info === undefined) return;
      shared.add(descriptor.digest);
      for (const child of await childrenOf(client, descriptor)) await share(child);
      const { digest, size } = descriptor;
      const wish = { ref: `share-${digest}`, total: size, expected: digest, labels: info.labels };
      await writeContent(target, wish, readContent(client, digest));
    };
    await share(targetOf(image));
    const { name, labels } = image;
    await nameImage(target, { name, labels, ...(image.target === undefined ? {} : { target: image.target }) });
    return { blobs: shared.size };
  });
}
