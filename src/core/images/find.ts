import { EngineError } from '#/base/errors.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { resolveImage } from '#/core/images/resolve.ts';
import { hexOf, isDigest, type Digest } from '#/oci/digest.ts';
import { findReference, formatReference, type Reference } from '#/oci/reference.ts';

const shortestId = 4;

/** Finds an image by what people call it. Throws `invalid-argument` when that fits several. */
export async function findImage(parts: ImageParts, namespace: string, text: string): Promise<ImageRecord | undefined> {
  const { images } = parts.metadata.read;
  const named = images.find(namespace, text) ?? findByReference(parts, namespace, text);
  if (named !== undefined) return named;
  const prefix = text.replace(/^sha256:/, '');
  if (!/^[0-9a-f]+$/.test(prefix) || (prefix.length < shortestId && prefix === text)) return undefined;
  return await findById(parts, namespace, { text, prefix });
}

export async function getImage(parts: ImageParts, namespace: string, text: string): Promise<ImageRecord> {
  const found = await findImage(parts, namespace, text);
  if (found !== undefined) return found;
  throw new EngineError(
    'not-found',
    `Cannot find image ${JSON.stringify(text.slice(0, 300))} in namespace "${namespace}": there is none of that name; pull it first`,
  );
}

function findByReference({ metadata }: ImageParts, namespace: string, text: string): ImageRecord | undefined {
  const reference = findReference(text);
  if (reference === undefined) return undefined;
  const exact = metadata.read.images.find(namespace, formatReference(reference));
  if (exact !== undefined || reference.digest === undefined) return exact;
  const { tag: _ignored, ...pinned } = reference;
  return (
    metadata.read.images.find(namespace, formatReference(pinned)) ??
    metadata.read.images
      .list(namespace)
      .find(({ name, target }) => target.digest === reference.digest && isIn(reference, name))
  );
}

function isIn({ domain, path }: Reference, name: string): boolean {
  const reference = findReference(name);
  return reference?.domain === domain && reference.path === path;
}

/** Ids are digests of targets, and of the configs that Docker's older clients call image ids. */
async function findById(
  parts: ImageParts,
  namespace: string,
  { text, prefix }: { readonly text: string; readonly prefix: string },
): Promise<ImageRecord | undefined> {
  const records = parts.metadata.read.images.list(namespace);
  const fits = (digest: Digest): boolean => hexOf(digest).startsWith(prefix);
  const byTarget = records.filter(({ target }) => fits(target.digest));
  const matches = byTarget.length > 0 ? byTarget : await findByConfig(parts, namespace, { records, fits });
  const different = new Set(matches.map(({ target }) => target.digest));
  if (different.size > 1)
    throw new EngineError(
      'invalid-argument',
      `Cannot tell which image "${text}" is: it fits ${[...different].slice(0, 5).join(' and ')}; give more digits`,
    );
  return matches.find(({ name }) => !isDigest(name)) ?? matches[0];
}

async function findByConfig(
  parts: ImageParts,
  namespace: string,
  { records, fits }: { readonly records: readonly ImageRecord[]; readonly fits: (digest: Digest) => boolean },
): Promise<ImageRecord[]> {
  const verdicts = new Map<Digest, boolean>();
  for (const { target } of records)
    if (!verdicts.has(target.digest)) verdicts.set(target.digest, await hasConfig(parts, namespace, { target, fits }));
  return records.filter(({ target }) => verdicts.get(target.digest) === true);
}

/** An image that cannot be read, or is for another platform, has no id to be found by. */
async function hasConfig(
  parts: ImageParts,
  namespace: string,
  { target, fits }: { readonly target: ImageRecord['target']; readonly fits: (digest: Digest) => boolean },
): Promise<boolean> {
  try {
    return fits((await resolveImage(parts, namespace, { target })).configDigest);
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}
