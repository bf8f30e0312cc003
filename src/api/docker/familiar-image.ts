import { isDigest } from '#/oci/digest.ts';
import { familiarReference, parseReference } from '#/oci/reference.ts';

/** A stored name as people write it; what is no reference stays as it is. */
export function familiarImage(name: string): string {
  if (name === '' || isDigest(name)) return name;
  try {
    return familiarReference(parseReference(name));
  } catch {
    return name;
  }
}
