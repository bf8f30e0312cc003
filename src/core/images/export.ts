import { EngineError } from '#/base/errors.ts';
import type { ExportImages } from '#/core/images/contract.ts';
import { getImage } from '#/core/images/find.ts';
import {
  isForeign,
  manifestsOf,
  readStored,
  type StoredManifest,
  type StoredTarget,
} from '#/core/images/image-content.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { missingBlobs } from '#/core/images/read-image.ts';
import { resolveImage } from '#/core/images/resolve.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { algorithmOf, hexOf, isDigest, type Digest } from '#/oci/digest.ts';
import { mediaTypes, selectManifest } from '#/oci/manifest.ts';
import { hostPlatform, type Platform } from '#/oci/platform.ts';
import { familiarReference, parseReference } from '#/oci/reference.ts';
import type { TarEntry } from '#/oci/tar-entry.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';

interface Exported {
  readonly record: ImageRecord;
  /** What index.json names. */
  readonly target: Descriptor;
  /** The manifests that are whole; what else an index names is left out. */
  readonly manifests: readonly StoredManifest[];
  readonly indexes: readonly Descriptor[];
  /** What manifest.json, which knows no platforms, describes. */
  readonly main: StoredManifest;
}

/** Writes an archive of images that is both an OCI layout and a docker archive. A lease keeps them until it is read. */
export async function* exportImages(
  parts: ImageParts,
  namespace: string,
  options: ExportImages,
): AsyncGenerator<Uint8Array> {
  if (options.names.length === 0) throw new EngineError('invalid-argument', 'Cannot export images: none is named');
  const plan = Promise.withResolvers<Exported[]>();
  const done = Promise.withResolvers<void>();
  const leased = underLease(parts, namespace, async (lease) => {
    const chosen: Exported[] = [];
    for (const name of options.names) chosen.push(await choose(parts, namespace, { name, platform: options.platform }));
    await parts.metadata.write((tx) => {
      for (const { record } of chosen)
        tx.addLeaseResource(namespace, lease.id, { type: 'content', id: record.target.digest });
    });
    plan.resolve(chosen);
    await done.promise;
  });
  leased.catch(plan.reject);
  try {
    yield* archiveOf(parts, namespace, { images: await plan.promise, options });
  } finally {
    done.resolve();
    await leased.catch(() => {});
  }
}

async function choose(
  parts: ImageParts,
  namespace: string,
  { name, platform }: { readonly name: string; readonly platform: Platform | undefined },
): Promise<Exported> {
  const record = await getImage(parts, namespace, name);
  const what = `image "${record.name}"`;
  const whole = await readStored(parts.content, namespace, { target: record.target });
  const stored =
    platform === undefined
      ? whole
      : await readStored(parts.content, namespace, {
          target: (await resolveImage(parts, namespace, { target: record.target, platform })).manifestDescriptor,
        });
  const manifests = manifestsOf(stored).filter(({ missing }) => missing.length === 0);
  const main = mainOf(stored, manifests);
  if (main === undefined) throw missingBlobs(what, stored.missing);
  return { record, target: stored.descriptor, manifests, indexes: indexesOf(stored), main };
}

/** The host's platform where it is among them, else the first. */
function mainOf(stored: StoredTarget, manifests: readonly StoredManifest[]): StoredManifest | undefined {
  if (stored.kind === 'manifest') return manifests[0];
  const descriptors = manifests.map(({ descriptor }) => descriptor);
  const best = selectManifest({ ...stored.index, manifests: descriptors }, hostPlatform());
  return manifests.find(({ descriptor }) => descriptor.digest === best?.digest) ?? manifests[0];
}

const indexesOf = (stored: StoredTarget): Descriptor[] =>
  stored.kind === 'manifest' ? [] : [stored.descriptor, ...stored.children.flatMap(indexesOf)];

interface ArchivePlan {
  readonly images: readonly Exported[];
  readonly options: ExportImages;
}

async function* archiveOf(
  parts: ImageParts,
  namespace: string,
  { images, options }: ArchivePlan,
): AsyncGenerator<Uint8Array> {
  yield* document('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield* document('index.json', ociIndex(images));
  yield* document('manifest.json', dockerManifest(images));
  yield header('blobs', 'directory', 0);
  yield header('blobs/sha256', 'directory', 0);
  for (const { digest } of blobsOf(images)) {
    options.signal?.throwIfAborted();
    const { size } = parts.content.info(namespace, digest);
    yield header(blobName(digest), 'file', size);
    yield* parts.content.read(namespace, digest);
    yield paddingAfter(size);
    options.onProgress?.({ kind: 'uploaded', digest });
  }
  yield tarEnd;
}

const blobName = (digest: Digest): string => `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;

/** Each blob once, in an order that depends on nothing but the images. */
function blobsOf(images: readonly Exported[]): Descriptor[] {
  const all = images.flatMap(({ indexes, manifests }) => [
    ...indexes,
    ...manifests.flatMap(({ descriptor, manifest }) => [
      descriptor,
      manifest.config,
      ...manifest.layers.filter((layer) => !isForeign(layer)),
    ]),
  ]);
  return [...new Map(all.map((blob) => [blob.digest, blob])).values()];
}

function ociIndex(images: readonly Exported[]): object {
  const manifests = images.map(({ record, target }) => {
    const { mediaType, digest, size, platform } = target;
    const annotations = { ...target.annotations, ...nameAnnotations(record.name) };
    return { mediaType, digest, size, ...(platform === undefined ? {} : { platform }), annotations };
  });
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
}

function nameAnnotations(name: string): Record<string, string> {
  if (isDigest(name)) return {};
  const tag = readTag(name);
  return {
    'io.containerd.image.name': name,
    ...(tag === undefined ? {} : { 'org.opencontainers.image.ref.name': tag }),
  };
}

function readTag(name: string): string | undefined {
  try {
    return parseReference(name).tag;
  } catch (error) {
    // Other clients store images under any text.
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

function dockerManifest(images: readonly Exported[]): object[] {
  const byManifest = Map.groupBy(images, ({ main }) => main.descriptor.digest);
  return [...byManifest.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { config, layers } = first.main.manifest;
    return [
      {
        Config: blobName(config.digest),
        RepoTags: group.flatMap(({ record }) => repoTag(record.name)),
        Layers: layers.map(({ digest }) => blobName(digest)),
      },
    ];
  });
}

function repoTag(name: string): string[] {
  if (isDigest(name) || readTag(name) === undefined) return [];
  const { digest: _left, ...tagged } = parseReference(name);
  return [familiarReference(tagged)];
}

function* document(name: string, value: object): Generator<Uint8Array> {
  const bytes = Buffer.from(JSON.stringify(value));
  yield header(name, 'file', bytes.byteLength);
  yield bytes;
  yield paddingAfter(bytes.byteLength);
}

/** Everybody's and without a date, so that the same images make the same archive. */
function header(name: string, type: 'file' | 'directory', size: number): Uint8Array {
  const entry: TarEntry = {
    type,
    name,
    linkName: '',
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size,
    modified: 0n,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: new Map(),
  };
  return encodeTarEntry(entry);
}
