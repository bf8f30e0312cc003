import { EngineError } from '#/base/errors.ts';
import { dockerIndex } from '#/core/images/import-docker.ts';
import type { ReceiveContext, ReceivedArchive } from '#/core/images/receive-archive.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes, parseManifestOrIndex, type ImageIndex } from '#/oci/manifest.ts';

const maxImages = 1000;
const layoutVersion = '1.0.0';

/** What an archive holds: an OCI layout's own index, or one made for a docker archive. */
export interface ArchiveIndex {
  readonly bytes: Uint8Array;
  readonly index: ImageIndex;
}

export async function readArchiveIndex(
  context: ReceiveContext,
  archive: ReceivedArchive,
  { compressLayers }: { readonly compressLayers: boolean },
): Promise<ArchiveIndex> {
  const layout = archive.documents.get('index.json');
  const docker = archive.documents.get('manifest.json');
  checkLayoutVersion(archive.documents.get('oci-layout'));
  if (layout === undefined && docker === undefined)
    throw refuse('it has neither an index.json nor a manifest.json, so it is no archive of images');
  const bytes =
    layout ?? (await dockerIndex(context, archive, { document: docker ?? new Uint8Array(), compressLayers }));
  const read = parseManifestOrIndex(digestOf(bytes), mediaTypes.ociIndex, bytes);
  if (read.kind !== 'index') throw refuse('its index.json is not an index');
  if (read.index.manifests.length === 0) throw refuse('it has no images');
  if (read.index.manifests.length > maxImages)
    throw new EngineError('resource-exhausted', `Cannot import the archive: it has more than ${maxImages} images`);
  return { bytes, index: read.index };
}

function checkLayoutVersion(document: Uint8Array | undefined): void {
  if (document === undefined) return;
  let version: unknown;
  try {
    version = (JSON.parse(Buffer.from(document).toString('utf8')) as { imageLayoutVersion?: unknown } | null)
      ?.imageLayoutVersion;
  } catch (cause) {
    throw new EngineError('invalid-argument', 'Cannot import the archive: its oci-layout is not JSON', { cause });
  }
  if (version !== layoutVersion)
    throw refuse(`its OCI layout has version ${JSON.stringify(version)?.slice(0, 40)}, not "${layoutVersion}"`);
}

const refuse = (why: string): EngineError => new EngineError('invalid-argument', `Cannot import the archive: ${why}`);
