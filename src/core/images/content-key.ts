import type { Descriptor } from '#/oci/descriptor.ts';
import { isConfigType, isIndexType, isLayerType, isManifestType } from '#/oci/manifest.ts';

const refAnnotation = 'org.opencontainers.image.ref.name';

/** The name of a blob on its way: the ref of its upload, and what progress calls it. Go's clients use the same. */
export function contentKey({ mediaType, digest, annotations = {} }: Descriptor): string {
  const name = annotations[refAnnotation];
  return `${kindOf(mediaType)}-${name === undefined ? '' : `${name}@`}${digest}`;
}

function kindOf(mediaType: string): string {
  if (isManifestType(mediaType)) return 'manifest';
  if (isIndexType(mediaType)) return 'index';
  if (isLayerType(mediaType)) return 'layer';
  if (isConfigType(mediaType)) return 'config';
  return mediaType === 'application/vnd.in-toto+json' ? 'attestation' : 'unknown';
}
