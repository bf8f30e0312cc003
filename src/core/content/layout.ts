import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { algorithmOf, hexOf, isDigest, type Digest } from '#/oci/digest.ts';

/**
 * Where a content store keeps its files. The names are containerd's own, so that a store can be looked at, or taken
 * over, with the same eyes: `blobs/<algorithm>/<hex>` and `ingest/<directory>/data`.
 */
export interface ContentLayout {
  readonly root: string;
  readonly blobs: string;
  readonly ingests: string;
  blobDirectory(digest: Digest): string;
  blob(digest: Digest): string;
  ingest(directory: string): string;
  data(directory: string): string;
}

/** The algorithms that blobs may be named by; each has a directory from the start. */
export const algorithms: readonly string[] = ['sha256', 'sha512'];

/** What `writeFileAtomic` leaves behind when it is killed. */
export const temporarySuffix = '.tmp';

export function contentLayout(root: string): ContentLayout {
  const blobs = join(root, 'blobs');
  const ingests = join(root, 'ingest');
  return {
    root,
    blobs,
    ingests,
    blobDirectory: (digest) => join(blobs, algorithmOf(digest)),
    blob: (digest) => join(blobs, algorithmOf(digest), hexOf(digest)),
    ingest: (directory) => join(ingests, directory),
    data: (directory) => join(ingests, directory, 'data'),
  };
}

/** The name of an ingest's directory. `number` never repeats, so an old directory is never taken for a new one. */
export function ingestDirectoryName(namespace: string, number: number, ref: string): string {
  return createHash('sha256').update(`${namespace}/${number}/${ref}`).digest('hex');
}

/** The digest that a file below `blobs` is named by; undefined when it is no blob. */
export function digestOfFile(algorithm: string, name: string): Digest | undefined {
  const text = `${algorithm}:${name}`;
  return isDigest(text) ? text : undefined;
}
