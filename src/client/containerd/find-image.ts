import { EngineError, isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Images, type Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { formatReference, parseReference } from '#/oci/reference.ts';

/** The name in full: `nginx` is `docker.io/library/nginx:latest`; what cannot be read as a reference stays as it is. */
export function fullImageName(word: string): string {
  try {
    return formatReference(parseReference(word));
  } catch {
    return word;
  }
}

/** Looks for the name as it is, then for what people mean by it. */
export async function findImage(client: ContainerdClient, word: string): Promise<Image | undefined> {
  for (const name of new Set([word, fullImageName(word)])) {
    try {
      const { image } = await client.call(Images.method.get, { name });
      if (image !== undefined) return image;
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
  }
  return undefined;
}

/** Throws `not-found` with what to do. */
export async function getImage(client: ContainerdClient, word: string): Promise<Image> {
  const image = await findImage(client, word);
  if (image !== undefined) return image;
  throw new EngineError(
    'not-found',
    `Cannot find image "${word}" in namespace "${client.namespace}"; "berth ctr images ls" shows what is there, "berth ctr images pull ${word}" gets it`,
  );
}
