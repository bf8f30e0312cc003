import type { Labels } from '#/base/any.ts';
import { completeImage, gapError, obtainNothing } from '#/core/images/complete-image.ts';
import type { ExportImages } from '#/core/images/contract.ts';
import { getImage } from '#/core/images/find.ts';
import { onlySources } from '#/core/images/gc-labels.ts';
import type { StoredManifest, StoredTarget } from '#/core/images/image-content.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { resolveImage } from '#/core/images/resolve.ts';
import { domainsOf, openSources, type Sources } from '#/core/images/sources.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { mediaTypes, selectManifest } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';

export interface ExportedImage {
  readonly record: ImageRecord;
  /** What index.json names. */
  readonly target: Descriptor;
  /** Where it came from, as labels say it. */
  readonly sources: Labels;
  /** The manifests that are whole; what else an index names is left out. */
  readonly manifests: readonly StoredManifest[];
  readonly indexes: readonly Descriptor[];
  /** What manifest.json, which knows no platforms, describes. */
  readonly main: StoredManifest;
}

interface Choosing {
  readonly parts: ImageParts;
  readonly namespace: string;
  readonly lease: string;
}

/** Finds what is to be exported, fetches what is missing if asked, and has the lease keep it. */
export async function chooseExported(choosing: Choosing, options: ExportImages): Promise<ExportedImage[]> {
  const { parts, namespace, lease } = choosing;
  const { signal = new AbortController().signal, onProgress = (): void => {} } = options;
  const records: ImageRecord[] = [];
  for (const name of options.names) records.push(await getImage(parts, namespace, name));
  const domains = domainsOf(records.map(({ name }) => name));
  await using sources = openSources({ parts, namespace, domains, lease, signal, onProgress });
  const chosen: ExportedImage[] = [];
  for (const record of records) {
    await parts.metadata.write((tx) =>
      tx.addLeaseResource(namespace, lease, { type: 'content', id: record.target.digest }),
    );
    chosen.push(await choose(choosing, { record, options, sources, signal }));
  }
  return chosen;
}

interface Choice {
  readonly signal: AbortSignal;
  readonly record: ImageRecord;
  readonly options: ExportImages;
  readonly sources: Sources;
}

async function choose(choosing: Choosing, { record, options, sources, signal }: Choice): Promise<ExportedImage> {
  const { parts, namespace } = choosing;
  const { platforms = [], allPlatforms = false } = options;
  const what = `image "${record.name}"`;
  const target = options.flatten === true ? await flattened(choosing, record, options) : record.target;
  const labelsOf = ({ digest }: Descriptor): Labels => parts.content.find(namespace, digest)?.labels ?? {};
  const blob = async (wanted: Descriptor, manifest: Descriptor): Promise<string | undefined> =>
    await sources.fetchBlob(wanted, labelsOf(manifest));
  const { stored, manifests, gaps } = await completeImage(
    { parts, namespace, signal },
    {
      target,
      selection: { what, platforms: allPlatforms ? [] : platforms, lenient: true },
      obtain: options.complete === true ? { document: sources.fetchDocument, blob } : obtainNothing,
    },
  );
  const main = mainOf(manifests, options);
  const mustBeWhole = allPlatforms || platforms.length > 0;
  if (main === undefined || (mustBeWhole && gaps.length > 0)) throw gapError(`Cannot export ${what}`, gaps);
  return { record, target, sources: onlySources(labelsOf(target)), manifests, indexes: indexesOf(stored), main };
}

async function flattened(
  { parts, namespace }: Choosing,
  { target }: ImageRecord,
  options: ExportImages,
): Promise<Descriptor> {
  const [platform] = options.platforms ?? [];
  return (await resolveImage(parts, namespace, { target, platform })).manifestDescriptor;
}

/** The first of the wanted platforms, or the host's, where it is among them; else the first. */
function mainOf(manifests: readonly StoredManifest[], { platforms = [] }: ExportImages): StoredManifest | undefined {
  const descriptors = manifests.map(({ descriptor }) => descriptor);
  const index = { mediaType: mediaTypes.ociIndex, annotations: {}, manifests: descriptors };
  const best = selectManifest(index, platforms[0] ?? hostPlatform());
  return manifests.find(({ descriptor }) => descriptor.digest === best?.digest) ?? manifests[0];
}

const indexesOf = (stored: StoredTarget): Descriptor[] =>
  stored.kind === 'manifest' ? [] : [stored.descriptor, ...stored.children.flatMap(indexesOf)];
