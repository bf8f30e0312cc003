import type { NamedTarget, NameTargets } from '#/core/images/contract.ts';
import { nameAnnotation, refAnnotation } from '#/core/images/name-targets.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { mediaTypes, selectManifest } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';
import { formatReference, parseReference } from '#/oci/reference.ts';

/** The name that an archive gives an image, in full; without one, its digest. */
export const archivedName: NameTargets = (target) => [{ name: nameOf(target) ?? target.digest, target }];

/**
 * A `ref.name` without a colon or a slash is by the image specification a tag inside the layout, and no name by itself.
 */
function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const full = annotations[nameAnnotation] ?? '';
  const ref = annotations[refAnnotation] ?? '';
  const text = full !== '' ? full : /[/:]/.test(ref) ? ref : '';
  return text === '' ? undefined : formatReference(parseReference(text));
}

/** Each name once: where several images have it, the platform decides. */
export function oneEach(names: readonly NamedTarget[], platform: Platform): NamedTarget[] {
  return [...Map.groupBy(names, ({ name }) => name).values()].flatMap((group) => {
    const manifests = group.map(({ target }) => target);
    const best = selectManifest({ mediaType: mediaTypes.ociIndex, annotations: {}, manifests }, platform);
    const chosen = group.find(({ target }) => target === best) ?? group[0];
    return chosen === undefined ? [] : [chosen];
  });
}
