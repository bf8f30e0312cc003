import type { ContentStore } from '#/core/content/contract.ts';
import type { ResolvedImage } from '#/core/images/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { formatPlatform, hostPlatform, type Platform } from '#/oci/platform.ts';

export type Resolve = (namespace: string, target: Descriptor, platform?: Platform) => Promise<ResolvedImage>;

const longest = 128;

/**
 * Reads an image's documents once: what a digest names never changes. An image is forgotten when its documents are not
 * in the namespace any more.
 */
export function rememberResolved(content: ContentStore, resolve: Resolve): Resolve {
  const known = new Map<string, ResolvedImage>();
  const isThere = (namespace: string, { manifestDescriptor, configDigest }: ResolvedImage): boolean =>
    [manifestDescriptor.digest, configDigest].every((digest) => content.find(namespace, digest) !== undefined);
  return async (namespace, target, platform = hostPlatform()) => {
    const key = `${namespace} ${target.digest} ${formatPlatform(platform)}`;
    const before = known.get(key);
    if (before !== undefined && isThere(namespace, before)) return before;
    const resolved = await resolve(namespace, target, platform);
    known.delete(key);
    known.set(key, resolved);
    const [oldest] = known.keys();
    if (known.size > longest && oldest !== undefined) known.delete(oldest);
    return resolved;
  };
}
