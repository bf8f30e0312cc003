import { EngineError } from '#/base/errors.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { isAttestation, mediaTypes, parseManifestOrIndex, selectManifest } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';
import { formatReference, parseReference } from '#/oci/reference.ts';

/** An image of an archive under the names that the archive gives it; none means its digest. */
export interface ArchivedImage {
  readonly target: Descriptor;
  readonly names: readonly string[];
}

const maxImages = 1000;
const nameAnnotation = 'io.containerd.image.name';
const refAnnotation = 'org.opencontainers.image.ref.name';

/** The images that an OCI layout's index.json lists. Where one name is given to several, the platform decides. */
export function ociImages(document: Uint8Array, platform: Platform): ArchivedImage[] {
  const read = parseManifestOrIndex(digestOf(document), mediaTypes.ociIndex, document);
  if (read.kind !== 'index')
    throw new EngineError('invalid-argument', 'Cannot import the archive: its index.json is not an index');
  const entries = read.index.manifests.filter((entry) => !isAttestation(entry));
  if (entries.length > maxImages)
    throw new EngineError('resource-exhausted', `Cannot import the archive: it has more than ${maxImages} images`);
  const byName = Map.groupBy(entries, nameOf);
  return [...byName].flatMap(([name, group]) => {
    if (name === undefined) return group.map((target) => ({ target, names: [] }));
    const [first] = group;
    const target = selectManifest({ ...read.index, manifests: group }, platform) ?? first;
    return target === undefined ? [] : [{ target, names: [name] }];
  });
}

/**
 * The full name. A `ref.name` without a colon or a slash is by the image specification a tag inside the layout, and no
 * name by itself.
 */
function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const full = annotations[nameAnnotation] ?? '';
  const ref = annotations[refAnnotation] ?? '';
  const text = full !== '' ? full : /[/:]/.test(ref) ? ref : '';
  return text === '' ? undefined : formatReference(parseReference(text));
}
