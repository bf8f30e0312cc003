import { EngineError } from '#/base/errors.ts';
import { detectCompression, magicLength } from '#/core/images/archive-stream.ts';
import { compressLayer } from '#/core/images/compress-layer.ts';
import { nameAnnotation, refAnnotation } from '#/core/images/name-targets.ts';
import type { ReceiveContext, ReceivedArchive, ReceivedFile } from '#/core/images/receive-archive.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { maxManifestBytes, mediaTypes, parseImageConfig } from '#/oci/manifest.ts';
import { normalizePlatform, type Platform } from '#/oci/platform.ts';
import { formatReference, parseReference, type Reference } from '#/oci/reference.ts';

interface DockerEntry {
  readonly config: string;
  readonly repoTags: readonly string[];
  readonly layers: readonly string[];
}

const maxImages = 1000;

export interface DockerArchive {
  /** Its manifest.json. */
  readonly document: Uint8Array;
  readonly compressLayers: boolean;
}

/**
 * An index for a docker archive, which has none. Manifests are made as containerd makes them, byte for byte, so that an
 * archive gives the same digests here and there; layers stay the bytes that they are.
 */
export async function dockerIndex(
  context: ReceiveContext,
  archive: ReceivedArchive,
  docker: DockerArchive,
): Promise<Uint8Array> {
  const manifests: object[] = [];
  for (const entry of readEntries(docker.document)) {
    const { platform, ...target } = await makeManifest(context, archive, { ...docker, entry });
    const names = entry.repoTags.map((tag) => parseReference(tag));
    const named = names.map((reference) => ({ ...target, annotations: annotationsOf(reference), platform }));
    manifests.push(...(named.length === 0 ? [{ ...target, platform }] : named));
  }
  return Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
}

function annotationsOf(reference: Reference): Record<string, string> {
  const name = formatReference(reference);
  return { [nameAnnotation]: name, [refAnnotation]: reference.tag ?? name };
}

function readEntries(document: Uint8Array): DockerEntry[] {
  const refuse = (why: string): EngineError =>
    new EngineError('invalid-argument', `Cannot import the archive: its manifest.json ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(document).toString('utf8'));
  } catch (cause) {
    throw new EngineError('invalid-argument', 'Cannot import the archive: its manifest.json is not JSON', { cause });
  }
  if (!Array.isArray(value)) throw refuse('is not a list');
  if (value.length > maxImages) throw refuse(`lists more than ${maxImages} images`);
  return value.map((entry: unknown) => {
    const { Config: config, RepoTags: tags, Layers: layers } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof config !== 'string') throw refuse('has an entry without "Config"');
    if (!isTexts(layers) || !isTexts(tags ?? []))
      throw refuse('has an entry whose "Layers" or "RepoTags" are no texts');
    return { config, layers, repoTags: isTexts(tags) ? tags : [] };
  });
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

interface NewManifest extends DockerArchive {
  readonly entry: DockerEntry;
}

async function makeManifest(
  context: ReceiveContext,
  archive: ReceivedArchive,
  { entry, compressLayers }: NewManifest,
): Promise<Descriptor> {
  const { parts, namespace, lease } = context;
  const config = archive.file(entry.config);
  const bytes = await parts.content.readWhole(namespace, config.digest, maxManifestBytes);
  const { diffIds, platform } = parseImageConfig(config.digest, bytes);
  if (diffIds.length !== entry.layers.length)
    throw new EngineError(
      'invalid-argument',
      `Cannot import the archive: an image has ${entry.layers.length} layers and ${diffIds.length} diff ids`,
    );
  const layers: Descriptor[] = [];
  for (const [index, name] of entry.layers.entries()) {
    const layer = await describeLayer(context, archive.file(name));
    if (layer.mediaType === mediaTypes.dockerLayer && layer.digest !== diffIds[index])
      throw new EngineError(
        'data-loss',
        `Cannot import the archive: layer "${name}" has digest ${layer.digest} where the config says ${diffIds[index]}`,
      );
    layers.push(compressLayers ? await compressLayer(context, layer) : layer);
  }
  const { digest, size } = config;
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { mediaType: mediaTypes.dockerConfig, digest, size },
    layers,
  };
  const record = await parts.content.put(namespace, Buffer.from(JSON.stringify(manifest)), { lease });
  return {
    mediaType: mediaTypes.dockerManifest,
    digest: record.digest,
    size: record.size,
    ...(platform.os === '' ? {} : { platform: inGoOrder(normalizePlatform(platform)) }),
  };
}

const inGoOrder = ({ architecture, os, ...rest }: Platform): Platform => ({ architecture, os, ...rest });

async function describeLayer(
  { parts, namespace }: ReceiveContext,
  { digest, size }: ReceivedFile,
): Promise<Descriptor> {
  const start = await Array.fromAsync(parts.content.read(namespace, digest, { length: magicLength }));
  const compression = detectCompression(Buffer.concat(start));
  const types = { gzip: mediaTypes.dockerLayerGzip, zstd: mediaTypes.dockerLayerZstd };
  if (compression === 'bzip2' || compression === 'xz')
    throw new EngineError('unimplemented', `Cannot import the archive: layer ${digest} is packed by ${compression}`);
  return { mediaType: compression === undefined ? mediaTypes.dockerLayer : types[compression], digest, size };
}
