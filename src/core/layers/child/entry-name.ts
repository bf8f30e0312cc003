import { EngineError } from '#/base/errors.ts';
import { quoteName } from '#/oci/tar-entry.ts';

/** The kernel's PATH_MAX, without the NUL, and NAME_MAX. */
const maxPath = 4095;
const maxSegment = 255;

/** AUFS whiteouts (image-spec layer.md, "Whiteouts"). */
export const whiteoutPrefix = '.wh.';
export const opaqueMarker = '.wh..wh..opq';
const metadataPrefix = '.wh..wh.';

export function refuseEntry(name: string, why: string, cause?: unknown): never {
  throw new EngineError('invalid-argument', `entry ${quoteName(name)}: ${why}`, { cause });
}

/**
 * The segments of a name below the root; none for the root itself. A name that begins with a slash starts at the root
 * like any other. Throws for one that climbs or that no file system can hold. `what` it is of `entry` is for the error.
 */
export function splitEntryName(name: string, what = 'its name', entry: string = name): string[] {
  if (name.length > maxPath) refuseEntry(entry, `${what} has ${name.length} bytes, more than ${maxPath}`);
  if (name === '') refuseEntry(entry, `${what} is empty`);
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  for (const segment of segments) {
    if (segment === '..') refuseEntry(entry, `${what} has ".." in it`);
    if (segment.length > maxSegment) refuseEntry(entry, `a part of ${what} has more than ${maxSegment} bytes`);
  }
  return segments;
}

/** What a name means for the tree. */
export type EntryPlace =
  | { readonly kind: 'root' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'opaque'; readonly parent: readonly string[] }
  | { readonly kind: 'whiteout'; readonly parent: readonly string[]; readonly base: string }
  | { readonly kind: 'node'; readonly parent: readonly string[]; readonly base: string };

/** Tells whiteouts and the metadata of AUFS, which is passed over, from what is to be made. */
export function placeOf(name: string): EntryPlace {
  const segments = splitEntryName(name);
  const base = segments.at(-1);
  if (base === undefined) return { kind: 'root' };
  const parent = segments.slice(0, -1);
  if (!name.includes(whiteoutPrefix)) return { kind: 'node', parent, base };
  if (parent.some((segment) => segment.startsWith(metadataPrefix))) return { kind: 'ignored' };
  if (parent.some((segment) => segment.startsWith(whiteoutPrefix)))
    refuseEntry(name, `it lies in a directory whose name begins with "${whiteoutPrefix}", which means a deletion`);
  if (base === opaqueMarker) return { kind: 'opaque', parent };
  if (base.startsWith(metadataPrefix)) return { kind: 'ignored' };
  if (!base.startsWith(whiteoutPrefix)) return { kind: 'node', parent, base };
  const removed = base.slice(whiteoutPrefix.length);
  if (removed === '' || removed === '.' || removed === '..') refuseEntry(name, 'it deletes nothing that has a name');
  return { kind: 'whiteout', parent, base: removed };
}
