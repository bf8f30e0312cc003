import { errnoOf } from '#/base/errors.ts';
import { travels } from '#/core/layers/child/xattr-policy.ts';
import { lgetxattrSync, llistxattrSync } from '#/linux/xattr.ts';
import { encodeName } from '#/oci/tar-entry.ts';

/** The extended attributes of a file that belong into a layer, in order of their names. */
export function readXattrs(path: string): ReadonlyMap<string, Buffer> {
  const place = encodeName(path);
  const names = listXattrs(place).filter(travels).sort();
  return new Map(names.map((name) => [name, lgetxattrSync(place, name)]));
}

function listXattrs(place: string | Uint8Array): string[] {
  try {
    return llistxattrSync(place);
  } catch (error) {
    if (errnoOf(error) === 'ENOTSUP') return [];
    throw error;
  }
}
