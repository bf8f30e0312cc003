import { EngineError } from '#/base/errors.ts';
import { chooseExported, type ExportedImage } from '#/core/images/choose-exported.ts';
import type { ExportImages } from '#/core/images/contract.ts';
import { isForeign } from '#/core/images/image-content.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { nameAnnotation, refAnnotation } from '#/core/images/name-targets.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { algorithmOf, hexOf, isDigest, type Digest } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { familiarReference, findReference } from '#/oci/reference.ts';
import type { TarEntry } from '#/oci/tar-entry.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';

/** Writes an archive of images that is both an OCI layout and a docker archive. A lease keeps them until it is read. */
export async function* exportImages(
  parts: ImageParts,
  namespace: string,
  options: ExportImages,
): AsyncGenerator<Uint8Array> {
  if (options.names.length === 0) throw new EngineError('invalid-argument', 'Cannot export images: none is named');
  const plan = Promise.withResolvers<ExportedImage[]>();
  const done = Promise.withResolvers<void>();
  const leased = underLease(parts, namespace, async (lease) => {
    plan.resolve(await chooseExported({ parts, namespace, lease: lease.id }, options));
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

interface ArchivePlan {
  readonly images: readonly ExportedImage[];
  readonly options: ExportImages;
}

async function* archiveOf(
  parts: ImageParts,
  namespace: string,
  { images, options }: ArchivePlan,
): AsyncGenerator<Uint8Array> {
  yield header('blobs', 'directory', 0);
  yield header('blobs/sha256', 'directory', 0);
  const isHere = ({ digest }: Descriptor): boolean => parts.content.find(namespace, digest) !== undefined;
  const isWanted = (layer: Descriptor): boolean => !isForeign(layer) || (options.skipForeign !== true && isHere(layer));
  for (const { digest } of blobsOf(images, isWanted)) {
    options.signal?.throwIfAborted();
    const { size } = parts.content.info(namespace, digest);
    yield header(blobName(digest), 'fixed', size);
    yield* parts.content.read(namespace, digest);
    yield paddingAfter(size);
    options.onProgress?.({ kind: 'uploaded', digest });
  }
  yield* document('index.json', 'file', ociIndex(images));
  if (options.skipDockerManifest !== true) yield* document('manifest.json', 'file', dockerManifest(images));
  yield* document('oci-layout', 'fixed', { imageLayoutVersion: '1.0.0' });
  yield tarEnd;
}

const blobName = (digest: Digest): string => `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;

/** Each blob once, by digest, as containerd has them: the same images make the same archive, byte for byte. */
function blobsOf(images: readonly ExportedImage[], isWanted: (layer: Descriptor) => boolean): Descriptor[] {
  const all = images.flatMap(({ indexes, manifests }) => [
    ...indexes,
    ...manifests.flatMap(({ descriptor, manifest }) => [
      descriptor,
      manifest.config,
      ...manifest.layers.filter(isWanted),
    ]),
  ]);
  const byDigest = new Map(all.map((blob) => [blob.digest, blob]));
  return [...byDigest.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

function ociIndex(images: readonly ExportedImage[]): object {
  const manifests = images.map(({ record, target, sources }) => {
    const { mediaType, digest, size, platform } = target;
    const all = { ...target.annotations, ...sources, ...nameAnnotations(record.name) };
    const annotations = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    return { mediaType, digest, size, ...(platform === undefined ? {} : { platform }), annotations };
  });
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
}

function nameAnnotations(name: string): Record<string, string> {
  if (isDigest(name)) return {};
  return {
    [nameAnnotation]: name,
    [refAnnotation]: findReference(name)?.tag ?? name,
  };
}

function dockerManifest(images: readonly ExportedImage[]): object[] {
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
  const reference = isDigest(name) ? undefined : findReference(name);
  if (reference?.tag === undefined) return [];
  const { digest: _left, ...tagged } = reference;
  return [familiarReference(tagged)];
}

function* document(name: string, kind: MemberKind, value: object): Generator<Uint8Array> {
  const bytes = Buffer.from(JSON.stringify(value));
  yield header(name, kind, bytes.byteLength);
  yield bytes;
  yield paddingAfter(bytes.byteLength);
}

const modes = { directory: 0o755, file: 0o644, fixed: 0o444 } as const;
type MemberKind = keyof typeof modes;

/** Everybody's and without a date, so that the same images make the same archive. */
function header(name: string, kind: MemberKind, size: number): Uint8Array {
  const entry: TarEntry = {
    type: kind === 'directory' ? 'directory' : 'file',
    name,
    linkName: '',
    mode: modes[kind],
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
