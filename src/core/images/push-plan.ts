import { completeImage, gapError, type Gap, type Obtain } from '#/core/images/complete-image.ts';
import type { StoredManifest, StoredTarget } from '#/core/images/image-content.ts';
import type { EntrySelection } from '#/core/images/select-entries.ts';
import type { SourcesContext } from '#/core/images/sources.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf, type Digest } from '#/oci/digest.ts';
import { maxManifestBytes } from '#/oci/manifest.ts';

/** A document to push, after those below it. */
export interface PushedDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export interface PushPlan {
  readonly manifests: readonly StoredManifest[];
  /** Innermost first; the last gets the tag. */
  readonly documents: readonly PushedDocument[];
  /** Parts that are not to be had. */
  readonly leftOut: readonly Gap[];
}

export interface PlanContext extends Pick<SourcesContext, 'parts' | 'namespace' | 'signal'> {
  readonly selection: EntrySelection;
  readonly obtain: Obtain;
}

/**
 * What to send of an image: an index as it is when all of it goes. Of one that goes in part, the single manifest, or an
 * index of those that go. Throws `not-found` when a platform that was named is not to be had, or nothing is.
 */
export async function planPush(context: PlanContext, target: Descriptor): Promise<PushPlan> {
  const { selection } = context;
  const { stored, manifests, gaps } = await completeImage(context, { ...context, target });
  const named = (selection.platforms ?? []).length > 0;
  if (manifests.length === 0 || (named && gaps.length > 0)) throw gapError(`Cannot push ${selection.what}`, gaps);
  return { manifests, documents: await documentsFor(context, stored, manifests), leftOut: gaps };
}

async function documentsFor(
  context: PlanContext,
  stored: StoredTarget,
  manifests: readonly StoredManifest[],
): Promise<PushedDocument[]> {
  const going = new Set(manifests.map(({ descriptor }) => descriptor.digest));
  if (isWhole(stored, going)) return await documentsOf(context, stored);
  const documents = await Promise.all(
    manifests.map(async (manifest) => await readDocument(context, manifest.descriptor)),
  );
  const [only, ...others] = documents;
  if (only !== undefined && others.length === 0) return [only];
  return [...documents, reducedIndex(await readDocument(context, stored.descriptor), manifests)];
}

/** Whether all that an index names, and what that names, goes. */
function isWhole(stored: StoredTarget, going: ReadonlySet<Digest>): boolean {
  if (stored.kind === 'manifest') return going.has(stored.descriptor.digest);
  const children = new Set(stored.children.map(({ descriptor }) => descriptor.digest));
  const named = stored.index.manifests.every(({ digest }) => children.has(digest));
  return named && stored.children.every((child) => isWhole(child, going));
}

async function documentsOf(context: PlanContext, stored: StoredTarget): Promise<PushedDocument[]> {
  const below: PushedDocument[] = [];
  if (stored.kind === 'index') for (const child of stored.children) below.push(...(await documentsOf(context, child)));
  const all = [...below, await readDocument(context, stored.descriptor)];
  return [...new Map(all.map((document) => [document.descriptor.digest, document])).values()];
}

async function readDocument({ parts, namespace }: PlanContext, descriptor: Descriptor): Promise<PushedDocument> {
  return { descriptor, bytes: await parts.content.readWhole(namespace, descriptor.digest, maxManifestBytes) };
}

/** The index with some of its entries: flat, and otherwise as it was. */
function reducedIndex({ descriptor, bytes }: PushedDocument, manifests: readonly StoredManifest[]): PushedDocument {
  const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as Readonly<Record<string, unknown>>;
  const reduced = Buffer.from(JSON.stringify({ ...document, manifests: manifests.map((entry) => entry.descriptor) }));
  return {
    descriptor: { mediaType: descriptor.mediaType, digest: digestOf(reduced), size: reduced.byteLength },
    bytes: reduced,
  };
}
