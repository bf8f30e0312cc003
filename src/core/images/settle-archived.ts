import { describeFailure, isKind, type EngineError } from '#/base/errors.ts';
import type { ImportImages, ResolvedImage } from '#/core/images/contract.ts';
import { addLabels } from '#/core/images/fetch.ts';
import { childLabels } from '#/core/images/gc-labels.ts';
import {
  chooseStored,
  manifestsOf,
  readStored,
  type StoredManifest,
  type StoredTarget,
} from '#/core/images/image-content.ts';
import { fits, missingBlobs } from '#/core/images/read-image.ts';
import type { ReceiveContext } from '#/core/images/receive-archive.ts';
import { resolveImage } from '#/core/images/resolve.ts';
import { unpackResolved } from '#/core/images/unpack-resolved.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { chainIds, isConfigType, maxManifestBytes, parseImageConfig } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';

type Wanted = Pick<ImportImages, 'platforms' | 'unpacks' | 'lenient'>;

/** Checks that an image of an archive is all there, has its parents keep their parts, and unpacks it if asked. */
export async function settleArchived(context: ReceiveContext, target: Descriptor, wanted: Wanted): Promise<void> {
  const stored = await readArchived(context, target);
  await labelAll(context, stored);
  if (!manifestsOf(stored).some(({ missing }) => missing.length === 0))
    throw incomplete(missingBlobs(`image ${target.digest}`, stored.missing));
  await (wanted.lenient === true ? settleWhatFits : settleStrictly)(context, stored, wanted);
}

async function readArchived({ parts, namespace }: ReceiveContext, target: Descriptor): Promise<StoredTarget> {
  try {
    return await readStored(parts.content, namespace, { target });
  } catch (error) {
    throw isKind(error, 'not-found') ? incomplete(error) : error;
  }
}

const incomplete = (error: unknown): EngineError =>
  describeFailure('Cannot import the archive: it is incomplete', error);

async function labelAll(context: ReceiveContext, stored: StoredTarget): Promise<void> {
  const { digest } = stored.descriptor;
  if (stored.kind === 'manifest') {
    const { config, layers } = stored.manifest;
    await addLabels(context, digest, childLabels([config, ...layers]));
    return;
  }
  await addLabels(context, digest, childLabels(stored.index.manifests));
  for (const child of stored.children) await labelAll(context, child);
}

/** There must be an image for each platform that is named. */
async function settleStrictly(
  context: ReceiveContext,
  { descriptor }: StoredTarget,
  { platforms = [], unpacks = [] }: Wanted,
): Promise<void> {
  for (const platform of platforms) await wholeImage(context, descriptor, platform);
  for (const { platform, snapshotter } of unpacks) {
    const image = await wholeImage(context, descriptor, platform);
    await unpack(context, image, snapshotter);
  }
}

async function wholeImage(context: ReceiveContext, target: Descriptor, platform: Platform): Promise<ResolvedImage> {
  const image = await resolveImage(context.parts, context.namespace, { target, platform });
  const { missing } = await readArchived(context, image.manifestDescriptor);
  if (missing.length > 0) throw incomplete(missingBlobs(`image ${target.digest}`, missing));
  return image;
}

/** What is chosen must be whole; of that, what runs on a platform to unpack for is unpacked. */
async function settleWhatFits(
  context: ReceiveContext,
  stored: StoredTarget,
  { platforms = [], unpacks = [] }: Wanted,
): Promise<void> {
  const what = `image ${stored.descriptor.digest}`;
  const { manifests, missing } = chooseStored(stored, { what, platforms, lenient: true });
  if (platforms.length > 0 && missing.length > 0) throw incomplete(missingBlobs(what, missing));
  for (const manifest of manifests) {
    const image = manifest.missing.length > 0 ? undefined : await readImage(context, manifest);
    if (image === undefined) continue;
    for (const { platform, snapshotter } of unpacks)
      if (fits(platform, image.config.platform, stored.kind === 'index')) await unpack(context, image, snapshotter);
  }
}

async function readImage(
  { parts, namespace }: ReceiveContext,
  { descriptor, manifest }: StoredManifest,
): Promise<ResolvedImage | undefined> {
  const { config: wanted, layers } = manifest;
  if (!isConfigType(wanted.mediaType)) return undefined;
  const bytes = await parts.content.readWhole(namespace, wanted.digest, maxManifestBytes);
  const config = parseImageConfig(wanted.digest, bytes);
  if (config.diffIds.length !== layers.length) return undefined;
  const chain = chainIds(config.diffIds);
  return { manifestDescriptor: descriptor, manifest, config, configDigest: wanted.digest, chain };
}

async function unpack(context: ReceiveContext, image: ResolvedImage, snapshotter: string): Promise<void> {
  if (image.chain.length === 0) return;
  await unpackResolved(context.parts, context.namespace, { ...context, image, snapshotter });
}
