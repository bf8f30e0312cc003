import type { Labels } from '#/base/any.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import { isLayerType } from '#/oci/manifest.ts';

/** Where an image comes from. */
export interface ImageSource {
  readonly reference: string;
  readonly manifest: Digest;
}

const inheritedPrefix = 'containerd.io/snapshot/';
/** Key and value together; the list of layers is a hint, and may be cut. */
const longestLabel = 4096;

/** What a layer's own annotations tell snapshotters, such as the digest of an eStargz layer's table of contents. */
export function inheritedAnnotations({ annotations = {} }: Descriptor): Labels {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith(inheritedPrefix)));
}

/**
 * Tells a lazy snapshotter where it finds a layer, and which ones it will be asked for next: by the names that
 * Kubernetes' runtimes use, and by those of the stargz snapshotter.
 */
export function sourceLabels({ reference, manifest }: ImageSource, layers: readonly Descriptor[]): Labels {
  const [layer] = layers;
  if (layer === undefined) return {};
  const stargz = `${inheritedPrefix}remote/stargz.`;
  const cri = `${inheritedPrefix}cri.`;
  const digests = layers.filter(({ mediaType }) => isLayerType(mediaType)).map(({ digest }) => digest);
  return {
    [`${cri}image-ref`]: reference,
    [`${cri}layer-digest`]: layer.digest,
    [`${cri}manifest-digest`]: manifest,
    [`${cri}image-layers`]: joinFitting(`${cri}image-layers`, digests),
    [`${stargz}reference`]: reference,
    [`${stargz}digest`]: layer.digest,
    [`${stargz}layers`]: joinFitting(`${stargz}layers`, digests),
  };
}

function joinFitting(key: string, digests: readonly Digest[]): string {
  let joined = '';
  for (const digest of digests) {
    const longer = joined === '' ? digest : `${joined},${digest}`;
    if (key.length + longer.length > longestLabel) break;
    joined = longer;
  }
  return joined;
}
