import { EngineError } from '#/base/errors.ts';
import { detectCompression, magicLength } from '#/core/images/archive-stream.ts';
import type { ReceiveContext, ReceivedArchive, ReceivedFile } from '#/core/images/receive-archive.ts';
import type { ArchivedImage } from '#/core/images/import-oci.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { maxManifestBytes, mediaTypes, parseImageConfig } from '#/oci/manifest.ts';
import { formatReference, parseReference } from '#/oci/reference.ts';

interface DockerEntry {
  readonly config: string;
  readonly repoTags: readonly string[];
  readonly layers: readonly string[];
}

const maxImages = 1000;

/** The images of a docker archive: each gets an OCI manifest, its layers stay the bytes that they are. */
export async function dockerImages(
  context: ReceiveContext,
  archive: ReceivedArchive,
  document: Uint8Array,
): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  for (const entry of readEntries(document)) {
    const target = await makeManifest(context, archive, entry);
    const names = entry.repoTags.map((tag) => formatReference(parseReference(tag)));
    images.push({ target, names });
  }
  return images;
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

async function makeManifest(
  context: ReceiveContext,
  archive: ReceivedArchive,
  entry: DockerEntry,
): Promise<Descriptor> {
  const { parts, namespace, lease } = context;
  const config = archive.file(entry.config);
  const bytes = await parts.content.readWhole(namespace, config.digest, maxManifestBytes);
  const { diffIds } = parseImageConfig(config.digest, bytes);
  if (diffIds.length !== entry.layers.length)
    throw new EngineError(
      'invalid-argument',
      `Cannot import the archive: an image has ${entry.layers.length} layers and ${diffIds.length} diff ids`,
    );
  const layers: Descriptor[] = [];
  for (const [index, name] of entry.layers.entries()) {
    const layer = await describeLayer(context, archive.file(name));
    if (layer.mediaType === mediaTypes.ociLayer && layer.digest !== diffIds[index])
      throw new EngineError(
        'data-loss',
        `Cannot import the archive: layer "${name}" has digest ${layer.digest} where the config says ${diffIds[index]}`,
      );
    layers.push(layer);
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.size },
    layers,
  };
  const record = await parts.content.put(namespace, Buffer.from(JSON.stringify(manifest)), { lease });
  return { mediaType: mediaTypes.ociManifest, digest: record.digest, size: record.size };
}

async function describeLayer(
  { parts, namespace }: ReceiveContext,
  { digest, size }: ReceivedFile,
): Promise<Descriptor> {
  const start = await Array.fromAsync(parts.content.read(namespace, digest, { length: magicLength }));
  const compression = detectCompression(Buffer.concat(start));
  const types = { gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd };
  if (compression === 'bzip2' || compression === 'xz')
    throw new EngineError('unimplemented', `Cannot import the archive: layer ${digest} is packed by ${compression}`);
  return { mediaType: compression === undefined ? mediaTypes.ociLayer : types[compression], digest, size };
}
