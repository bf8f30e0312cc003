import { EngineError, isKind } from '#/base/errors.ts';
import type { ContentStore } from '#/core/content/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import {
  isAttestation,
  isConfigType,
  isLayerType,
  maxManifestBytes,
  parseImageConfig,
  parseManifestOrIndex,
  selectManifest,
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
} from '#/oci/manifest.ts';
import { formatPlatform, rankPlatform, type Platform } from '#/oci/platform.ts';

/** Where documents come from: a registry, or the content store. */
export type ReadDocument = (descriptor: Descriptor) => Promise<Uint8Array>;

/** An image followed from its target down to one platform's manifest. */
export interface FoundManifest {
  /** From the outermost in; empty when the target is a manifest itself. */
  readonly indexes: readonly { readonly descriptor: Descriptor; readonly index: ImageIndex }[];
  readonly manifestDescriptor: Descriptor;
  readonly manifest: ImageManifest;
}

const deepestIndex = 4;

/** Follows indexes to the manifest for a platform. `what` names the image in errors. */
export async function findManifest(
  target: Descriptor,
  { what, platform, read }: { readonly what: string; readonly platform: Platform; readonly read: ReadDocument },
): Promise<FoundManifest> {
  const indexes: { descriptor: Descriptor; index: ImageIndex }[] = [];
  let descriptor = target;
  while (indexes.length < deepestIndex) {
    const document = parseManifestOrIndex(descriptor.digest, descriptor.mediaType, await read(descriptor));
    if (document.kind === 'manifest') return { indexes, manifestDescriptor: descriptor, manifest: document.manifest };
    indexes.push({ descriptor, index: document.index });
    const selected = selectManifest(document.index, platform);
    if (selected === undefined) throw noSuchPlatform(what, document.index, platform);
    descriptor = selected;
  }
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${what}: its indexes are nested more than ${deepestIndex} deep`,
  );
}

export function noSuchPlatform(what: string, index: ImageIndex, wanted: Platform): EngineError {
  const offered = index.manifests.flatMap((entry) =>
    isAttestation(entry) || entry.platform === undefined ? [] : [formatPlatform(entry.platform)],
  );
  const list = [...new Set(offered)].slice(0, 30).join(', ');
  const there = list === '' ? 'it has none at all' : `there are ${list}`;
  return new EngineError('not-found', `Cannot use ${what}: it has no image for ${formatPlatform(wanted)}; ${there}`);
}

/** Reads a manifest's config, and checks that the two make an image which runs on the platform. */
export async function readConfig(
  { manifest, indexes }: FoundManifest,
  { what, platform, read }: { readonly what: string; readonly platform: Platform; readonly read: ReadDocument },
): Promise<ImageConfig> {
  const { config: descriptor } = manifest;
  const isImage = isConfigType(descriptor.mediaType);
  const config = isImage ? parseImageConfig(descriptor.digest, await read(descriptor)) : undefined;
  checkLayers(manifest, what);
  return checkConfig({ manifest, config, wasChosen: indexes.length > 0 }, { what, platforms: [platform] });
}

export interface CheckedImage {
  readonly manifest: ImageManifest;
  /** Undefined when the manifest's config is none of an image. */
  readonly config: ImageConfig | undefined;
  /** An index named it, and its platform. */
  readonly wasChosen: boolean;
}

/** Refuses what is no image that runs on one of the platforms; none means any. */
export function checkConfig(
  { manifest, config, wasChosen }: CheckedImage,
  { what, platforms }: { readonly what: string; readonly platforms: readonly Platform[] },
): ImageConfig {
  const { config: descriptor, layers } = manifest;
  const refuse = (why: string): EngineError => new EngineError('invalid-argument', `Cannot use ${what}: ${why}`);
  if (config === undefined)
    throw refuse(
      `it is no container image but an artifact with a config of type "${descriptor.mediaType.slice(0, 200)}"`,
    );
  if (platforms.length > 0 && !platforms.some((platform) => fits(platform, config.platform, wasChosen)))
    throw new EngineError(
      'not-found',
      `Cannot use ${what}: it is for ${formatPlatform(config.platform)}, not for ${platforms.map(formatPlatform).join(' or ')}`,
    );
  if (config.diffIds.length !== layers.length)
    throw refuse(`its manifest has ${layers.length} layers and its config ${config.diffIds.length} diff ids`);
  return config;
}

/** Refuses layers that we could not unpack. */
export function checkLayers({ layers }: ImageManifest, what: string): void {
  const strange = layers.find(({ mediaType }) => !isLayerType(mediaType) || mediaType.includes('+encrypted'));
  if (strange !== undefined)
    throw new EngineError(
      'unimplemented',
      `Cannot use ${what}: layer ${strange.digest} is of type "${strange.mediaType.slice(0, 200)}", which is not supported`,
    );
}

/**
 * Whether a config's image runs on a platform. A silent config runs anywhere. An index has chosen the variant already,
 * and configs often leave it out.
 */
export function fits(wanted: Platform, offered: Platform, wasChosen: boolean): boolean {
  if (offered.os === '' || offered.architecture === '') return true;
  if (!wasChosen && offered.variant !== undefined) return rankPlatform(wanted, offered) !== undefined;
  const { variant: _wanted, ...base } = wanted;
  const { variant: _offered, ...same } = offered;
  return rankPlatform(base, same) !== undefined;
}

/** Reads documents that are stored; a missing one is `not-found` and named. */
export function storedDocuments(content: ContentStore, namespace: string, what: string): ReadDocument {
  return async ({ digest }) => {
    try {
      return await content.readWhole(namespace, digest, maxManifestBytes);
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
      throw missingBlobs(what, [digest], error);
    }
  };
}

export function missingBlobs(what: string, digests: readonly Digest[], cause?: unknown): EngineError {
  const named = digests.slice(0, 10).join(', ');
  return new EngineError('not-found', `Cannot use ${what}: its content ${named} is not here; pull or import it again`, {
    cause,
  });
}
