/** What an image consists of, as the blobs in the daemon's store say. */
import { EngineError, isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { readDocument } from '#/client/containerd/content.ts';
import type { Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { parseDigest } from '#/oci/digest.ts';
import {
  isAttestation,
  isIndexType,
  isManifestType,
  mediaTypes,
  parseImageConfig,
  parseManifestOrIndex,
  selectManifest,
  type ImageConfig,
  type ImageManifest,
} from '#/oci/manifest.ts';
import { formatPlatform, normalizePlatform, rankPlatform, type Platform } from '#/oci/platform.ts';

/** What an image's name points at. */
export function targetOf(image: Image): Descriptor {
  const { target } = image;
  if (target === undefined)
    throw new EngineError('data-loss', `Cannot use image "${image.name}": it points at nothing; pull it again`);
  return { mediaType: target.mediaType, digest: parseDigest(target.digest), size: Number(target.size) };
}

/** The descriptors that a manifest or an index names; none for anything else. Throws `not-found`. */
export async function childrenOf(client: ContainerdClient, descriptor: Descriptor): Promise<readonly Descriptor[]> {
  const { digest, mediaType } = descriptor;
  if (!isIndexType(mediaType) && !isManifestType(mediaType)) return [];
  const parsed = parseManifestOrIndex(digest, mediaType, await readDocument(client, digest));
  if (parsed.kind === 'index') return parsed.index.manifests;
  return [parsed.manifest.config, ...parsed.manifest.layers];
}

/** All that runs on `platform`, the target first: what an image weighs here. */
export async function descriptorsFor(
  client: ContainerdClient,
  target: Descriptor,
  platform: Platform,
): Promise<Descriptor[]> {
  const children = await childrenOf(client, target);
  if (!isIndexType(target.mediaType)) return [target, ...children];
  const chosen = selectManifest({ mediaType: target.mediaType, manifests: children, annotations: {} }, platform);
  if (chosen === undefined) return [target];
  return [target, ...(await descriptorsFor(client, chosen, platform))];
}

/** The platforms that an image is made for, as text, without attestations. */
export async function platformsOf(client: ContainerdClient, target: Descriptor): Promise<string[]> {
  const found = new Set<string>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    if (descriptor.platform !== undefined) {
      if (!isAttestation(descriptor)) found.add(formatPlatform(normalizePlatform(descriptor.platform)));
      return;
    }
    if (isConfigType(descriptor.mediaType)) {
      const { platform } = parseImageConfig(descriptor.digest, await readDocument(client, descriptor.digest));
      found.add(formatPlatform(normalizePlatform(platform)));
    }
    for (const child of await childrenOf(client, descriptor)) await visit(child);
  };
  await visit(target);
  return [...found].sort();
}

export const isConfigType = (mediaType: string): boolean =>
  mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig;

/** The manifest and config that fit a platform. */
export interface PlatformImage {
  readonly manifestDescriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** Throws `not-found` when no manifest fits, or when what fits is not here. */
export async function getPlatformImage(
  client: ContainerdClient,
  { name, target }: { readonly name: string; readonly target: Descriptor },
  platform: Platform,
): Promise<PlatformImage> {
  const wanted = formatPlatform(platform);
  const manifestDescriptor = await chooseManifest(client, target, platform);
  const refuse = (why: string): never => {
    throw new EngineError('not-found', `Cannot use image "${name}" on ${wanted}: ${why}`);
  };
  if (manifestDescriptor === undefined) return refuse('it has no manifest for that platform');
  try {
    const bytes = await readDocument(client, manifestDescriptor.digest);
    const parsed = parseManifestOrIndex(manifestDescriptor.digest, manifestDescriptor.mediaType, bytes);
    if (parsed.kind === 'index') return refuse('its index names another index');
    const { manifest } = parsed;
    const config = parseImageConfig(manifest.config.digest, await readDocument(client, manifest.config.digest));
    if (rankPlatform(platform, config.platform) === undefined && config.platform.os !== '')
      return refuse(`it is made for ${formatPlatform(config.platform)}`);
    return { manifestDescriptor, manifest, config };
  } catch (error) {
    if (!isKind(error, 'not-found') || (error instanceof Error && error.message.includes(wanted))) throw error;
    throw new EngineError(
      'not-found',
      `Cannot use image "${name}" on ${wanted}: its content for that platform is not here; pull it again with --platform ${wanted}`,
      { cause: error },
    );
  }
}

async function chooseManifest(
  client: ContainerdClient,
  target: Descriptor,
  platform: Platform,
): Promise<Descriptor | undefined> {
  if (!isIndexType(target.mediaType)) return target;
  const manifests = await childrenOf(client, target);
  const chosen = selectManifest({ mediaType: target.mediaType, manifests, annotations: {} }, platform);
  return chosen === undefined ? undefined : chooseManifest(client, chosen, platform);
}
