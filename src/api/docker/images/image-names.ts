import type { ImageRecord } from '#/core/metadata/contract.ts';
import { isDigest } from '#/oci/digest.ts';
import { familiarReference, familiarRepository, parseReference } from '#/oci/reference.ts';

export interface ImageNames {
  /** `busybox:latest`. */
  readonly tags: readonly string[];
  /** `busybox@sha256:…`. */
  readonly digests: readonly string[];
}

/** The names of one target, as Docker lists them. */
export function namesOf(records: readonly ImageRecord[]): ImageNames {
  const tags = new Set<string>();
  const digests = new Set<string>();
  for (const { name, target } of records) {
    if (isDigest(name)) continue;
    const reference = parseReference(name);
    if (reference.tag !== undefined)
      tags.add(familiarReference({ domain: reference.domain, path: reference.path, tag: reference.tag }));
    digests.add(`${familiarRepository(reference)}@${target.digest}`);
  }
  return { tags: [...tags], digests: [...digests] };
}
