/** Makes another image of one: its layers uncompressed, docker's media types turned into OCI's, platforms left out. */
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { getContentInfo, readContent, readDocument } from '#/client/containerd/content.ts';
import { writeContent, writeDocument } from '#/client/containerd/write-content.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { parseDigest } from '#/oci/digest.ts';
import { isIndexType, isLayerType, isManifestType, mediaTypes, parseManifestOrIndex } from '#/oci/manifest.ts';
import { rankPlatform, type Platform } from '#/oci/platform.ts';

export interface ConvertWish {
  readonly uncompress: boolean;
  readonly toOci: boolean;
  /** None means all that there are. */
  readonly platforms: readonly Platform[];
}

/** The target of the new image; the old one when nothing changed. New blobs belong to the client's lease. */
export async function convertImage(
  client: ContainerdClient,
  descriptor: Descriptor,
  wish: ConvertWish,
): Promise<Descriptor> {
  const { mediaType } = descriptor;
  if (isIndexType(mediaType)) return await convertIndex(client, descriptor, wish);
  if (isManifestType(mediaType)) return await convertManifest(client, descriptor, wish);
  if (isLayerType(mediaType) && wish.uncompress) return await uncompress(client, descriptor, wish);
  return { ...descriptor, mediaType: typeFor(mediaType, wish) };
}

const ociNames: Readonly<Record<string, string>> = {
  [mediaTypes.dockerList]: mediaTypes.ociIndex,
  [mediaTypes.dockerManifest]: mediaTypes.ociManifest,
  [mediaTypes.dockerConfig]: mediaTypes.ociConfig,
  [mediaTypes.dockerLayer]: mediaTypes.ociLayer,
  [mediaTypes.dockerLayerGzip]: mediaTypes.ociLayerGzip,
};

const typeFor = (mediaType: string, { toOci }: ConvertWish): string =>
  toOci ? (ociNames[mediaType] ?? mediaType) : mediaType;

type Json = Record<string, unknown>;

async function convertIndex(client: ContainerdClient, descriptor: Descriptor, wish: ConvertWish): Promise<Descriptor> {
  const bytes = await readDocument(client, descriptor.digest);
  const parsed = parseManifestOrIndex(descriptor.digest, descriptor.mediaType, bytes);
  if (parsed.kind !== 'index') throw notWhatItSays(descriptor);
  const wanted = parsed.index.manifests.filter(
    ({ platform }) =>
      wish.platforms.length === 0 ||
      platform === undefined ||
      wish.platforms.some((each) => rankPlatform(each, platform) !== undefined),
  );
  const manifests: Descriptor[] = [];
  for (const manifest of wanted) manifests.push(await convertImage(client, manifest, wish));
  const document: Json = { ...(JSON.parse(bytes.toString()) as Json), manifests };
  const labels = Object.fromEntries(
    manifests.map(({ digest }, at) => [`containerd.io/gc.ref.content.m.${at}`, digest]),
  );
  return await rewrite(client, descriptor, { bytes, document, labels, wish });
}

async function convertManifest(
  client: ContainerdClient,
  descriptor: Descriptor,
  wish: ConvertWish,
): Promise<Descriptor> {
  const bytes = await readDocument(client, descriptor.digest);
  const parsed = parseManifestOrIndex(descriptor.digest, descriptor.mediaType, bytes);
  if (parsed.kind !== 'manifest') throw notWhatItSays(descriptor);
  const layers: Descriptor[] = [];
  for (const layer of parsed.manifest.layers) layers.push(await convertImage(client, layer, wish));
  const config = { ...parsed.manifest.config, mediaType: typeFor(parsed.manifest.config.mediaType, wish) };
  const document: Json = { ...(JSON.parse(bytes.toString()) as Json), config, layers };
  const labels = {
    'containerd.io/gc.ref.content.config': config.digest,
    ...Object.fromEntries(layers.map(({ digest }, at) => [`containerd.io/gc.ref.content.l.${at}`, digest])),
  };
  return await rewrite(client, descriptor, { bytes, document, labels, wish });
}

function notWhatItSays({ digest, mediaType }: Descriptor): EngineError {
  return new EngineError(
    'data-loss',
    `Cannot convert ${digest}: it is no ${mediaType}, which its descriptor says it is`,
  );
}

interface Rewriting {
  readonly bytes: Buffer;
  readonly document: Json;
  readonly labels: Record<string, string>;
  readonly wish: ConvertWish;
}

async function rewrite(
  client: ContainerdClient,
  old: Descriptor,
  { bytes, document, labels, wish }: Rewriting,
): Promise<Descriptor> {
  const mediaType = typeFor(old.mediaType, wish);
  const stated = document['mediaType'] === undefined ? {} : { mediaType };
  const text = Buffer.from(JSON.stringify({ ...document, ...stated }));
  if (text.equals(bytes)) return old;
  const digest = parseDigest(await writeDocument(client, text, labels));
  return { ...old, mediaType, digest, size: text.length };
}

const plainNames: Readonly<Record<string, string>> = {
  [mediaTypes.ociLayerGzip]: mediaTypes.ociLayer,
  [mediaTypes.ociLayerZstd]: mediaTypes.ociLayer,
  [mediaTypes.dockerLayerGzip]: mediaTypes.dockerLayer,
};

/** The digest of what comes out is the layer's diff id, so the config stays as it is. */
async function uncompress(client: ContainerdClient, layer: Descriptor, wish: ConvertWish): Promise<Descriptor> {
  const plain = plainNames[layer.mediaType];
  if (plain === undefined) return { ...layer, mediaType: typeFor(layer.mediaType, wish) };
  const inflate = layer.mediaType === mediaTypes.ociLayerZstd ? createZstdDecompress() : createGunzip();
  const source = Readable.from(readContent(client, layer.digest));
  source.on('error', (error) => inflate.destroy(error));
  const chunks = source.pipe(inflate) as AsyncIterable<Buffer>;
  const { labels } = await getContentInfo(client, layer.digest);
  const expected = labels['containerd.io/uncompressed'] ?? '';
  const digest = parseDigest(
    await writeContent(client, { ref: `convert-uncompress-${layer.digest}`, total: 0, expected }, chunks),
  );
  const { size } = await getContentInfo(client, digest);
  return { ...layer, mediaType: typeFor(plain, wish), digest, size: Number(size) };
}
