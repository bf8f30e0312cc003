import type { ContentStore } from '#/core/content/contract.ts';
import { storedDocuments } from '#/core/images/read-image.ts';
import { selectEntries, type EntrySelection } from '#/core/images/select-entries.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import { parseManifestOrIndex, type ImageIndex, type ImageManifest } from '#/oci/manifest.ts';

/** A manifest that is stored, with what it needs and lacks. */
export interface StoredManifest {
  readonly kind: 'manifest';
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly missing: readonly Digest[];
}

export interface StoredIndex {
  readonly kind: 'index';
  readonly descriptor: Descriptor;
  readonly index: ImageIndex;
  /** The entries that are stored. */
  readonly children: readonly StoredTarget[];
  readonly missing: readonly Digest[];
}

/** What the content store has of an image's target. */
export type StoredTarget = StoredManifest | StoredIndex;

const deepest = 4;

/** Layers that may not be distributed stay where they are (image-spec layer.md). */
export const isForeign = ({ mediaType }: Descriptor): boolean =>
  mediaType.includes('.foreign.') || mediaType.includes('.nondistributable.');

/** Reads a target and all that it names, as far as it is stored. Throws `not-found` when the target itself is not. */
export async function readStored(
  content: ContentStore,
  namespace: string,
  { target, depth = 0 }: { readonly target: Descriptor; readonly depth?: number },
): Promise<StoredTarget> {
  const isStored = ({ digest }: Descriptor): boolean => content.find(namespace, digest) !== undefined;
  const read = storedDocuments(content, namespace, `image ${target.digest}`);
  const document = parseManifestOrIndex(target.digest, target.mediaType, await read(target));
  if (document.kind === 'manifest') {
    const { manifest } = document;
    const needed = [manifest.config, ...manifest.layers.filter((layer) => !isForeign(layer))];
    const missing = needed.filter((blob) => !isStored(blob)).map(({ digest }) => digest);
    return { kind: 'manifest', descriptor: target, manifest, missing };
  }
  const { index } = document;
  const present = depth < deepest ? index.manifests.filter(isStored) : [];
  const children: StoredTarget[] = [];
  for (const entry of present) children.push(await readStored(content, namespace, { target: entry, depth: depth + 1 }));
  const missing = [
    ...index.manifests.filter((entry) => !present.includes(entry)).map(({ digest }) => digest),
    ...children.flatMap((child) => child.missing),
  ];
  return { kind: 'index', descriptor: target, index, children, missing };
}

/** The manifests below a target, the nearest first. */
export function manifestsOf(stored: StoredTarget): StoredManifest[] {
  return stored.kind === 'manifest' ? [stored] : stored.children.flatMap(manifestsOf);
}

/** The manifests that are selected, and what is missing of them. */
export function chooseStored(
  stored: StoredTarget,
  selection: EntrySelection,
): { readonly manifests: readonly StoredManifest[]; readonly missing: readonly Digest[] } {
  if (stored.kind === 'manifest') return { manifests: [stored], missing: stored.missing };
  const entries = selectEntries(stored.index, selection).filter(({ whole }) => whole);
  const found = entries.map(({ entry }) => {
    const child = stored.children.find(({ descriptor }) => descriptor.digest === entry.digest);
    if (child === undefined) return { manifests: [], missing: [entry.digest] };
    return chooseStored({ ...child, descriptor: entry }, selection);
  });
  return {
    manifests: found.flatMap(({ manifests }) => manifests),
    missing: found.flatMap(({ missing }) => missing),
  };
}
