import type { ResolvedImage } from '#/core/images/contract.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { findManifest, readConfig, storedDocuments } from '#/core/images/read-image.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { chainIds } from '#/oci/manifest.ts';
import { hostPlatform, type Platform } from '#/oci/platform.ts';

/** Reads what is stored of an image for one platform; its layers need not be there. */
export async function resolveImage(
  { content }: Pick<ImageParts, 'content'>,
  namespace: string,
  { target, platform = hostPlatform() }: { readonly target: Descriptor; readonly platform?: Platform | undefined },
): Promise<ResolvedImage> {
  const what = `image ${target.digest}`;
  const context = { what, platform, read: storedDocuments(content, namespace, what) };
  const found = await findManifest(target, context);
  const config = await readConfig(found, context);
  const { manifest, manifestDescriptor } = found;
  return {
    manifestDescriptor,
    manifest,
    config,
    configDigest: manifest.config.digest,
    chain: chainIds(config.diffIds),
  };
}
