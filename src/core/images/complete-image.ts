import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { chooseStored, readStored, type StoredManifest, type StoredTarget } from '#/core/images/image-content.ts';
import { Slots } from '#/core/images/run-together.ts';
import { selectEntries, type EntrySelection } from '#/core/images/select-entries.ts';
import type { SourcesContext } from '#/core/images/sources.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import { maxManifestBytes, parseManifestOrIndex } from '#/oci/manifest.ts';
import { formatPlatform } from '#/oci/platform.ts';

/** A manifest of an image that is not all here, and not all to be had. */
export interface Gap {
  /** As its parent names it, with its platform. */
  readonly descriptor: Descriptor;
  readonly digests: readonly Digest[];
  readonly why: string;
}

export interface Completed {
  readonly stored: StoredTarget;
  /** The manifests that are selected, save those with gaps. Blobs of theirs may be missing that a source has. */
  readonly manifests: readonly StoredManifest[];
  readonly gaps: readonly Gap[];
}

/** How to come by what is not here. Each answers undefined when it is here then, or will be; else why not. */
export interface Obtain {
  readonly document: (descriptor: Descriptor, labels: Labels) => Promise<string | undefined>;
  readonly blob: (blob: Descriptor, manifest: Descriptor) => Promise<string | undefined>;
}

const notFetched = async (): Promise<string> => 'it was not fetched with the image';
export const obtainNothing: Obtain = { document: notFetched, blob: notFetched };

type Context = Pick<SourcesContext, 'parts' | 'namespace' | 'signal'>;

const blobsAtOnce = 3;

/** Finds out what is here of an image's selected parts, or can be obtained. */
export async function completeImage(
  context: Context,
  {
    target,
    selection,
    obtain,
  }: {
    readonly target: Descriptor;
    readonly selection: EntrySelection;
    readonly obtain: Obtain;
  },
): Promise<Completed> {
  const { parts, namespace } = context;
  const gaps = await fetchManifests(context, target, { selection, obtain });
  const stored = await readStored(parts.content, namespace, { target });
  const chosen = chooseStored(stored, selection).manifests;
  const slots = new Slots(blobsAtOnce);
  const obtainBlob: Obtain['blob'] = (blob, manifest) =>
    slots.run(context.signal, async () => await obtain.blob(blob, manifest));
  const found = await all(chosen.map(async (manifest) => await findGap(manifest, obtainBlob)));
  return {
    stored,
    manifests: chosen.filter((_manifest, index) => found[index] === undefined),
    gaps: [...gaps, ...found.filter((gap) => gap !== undefined)],
  };
}

async function fetchManifests(
  context: Context,
  descriptor: Descriptor,
  wanted: { readonly selection: EntrySelection; readonly obtain: Obtain },
): Promise<Gap[]> {
  const { parts, namespace } = context;
  const record = parts.content.find(namespace, descriptor.digest);
  if (record === undefined) return [];
  const bytes = await parts.content.readWhole(namespace, descriptor.digest, maxManifestBytes);
  const document = parseManifestOrIndex(descriptor.digest, descriptor.mediaType, bytes);
  if (document.kind === 'manifest') return [];
  // An archive may have brought the image here, and say where it came from.
  const labels = { ...descriptor.annotations, ...record.labels };
  const gaps: Gap[] = [];
  for (const { entry } of selectEntries(document.index, wanted.selection)) {
    const here = parts.content.find(namespace, entry.digest) !== undefined;
    const why = here ? undefined : await wanted.obtain.document(entry, labels);
    if (why === undefined) gaps.push(...(await fetchManifests(context, entry, wanted)));
    else gaps.push({ descriptor: entry, digests: [entry.digest], why });
  }
  return gaps;
}

async function findGap(
  { descriptor, manifest, missing }: StoredManifest,
  obtain: Obtain['blob'],
): Promise<Gap | undefined> {
  const blobs = [manifest.config, ...manifest.layers].filter(({ digest }) => missing.includes(digest));
  const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const reasons = await all(unique.map(async (blob) => await obtain(blob, descriptor)));
  const digests = unique.filter((_blob, index) => reasons[index] !== undefined).map(({ digest }) => digest);
  const why = reasons.find((reason) => reason !== undefined) ?? '';
  return digests.length === 0 ? undefined : { descriptor, digests, why };
}

/** Like Promise.all, but a failure is thrown only when all have ended. */
async function all<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

const namedDigests = 5;

/** Says of a gap which platform's it is and what is missing. */
export function describeGap({ descriptor, digests, why }: Gap): string {
  const { platform } = descriptor;
  const whose = platform === undefined ? '' : ` for ${formatPlatform(platform)}`;
  const more = digests.length > namedDigests ? ` and ${digests.length - namedDigests} more` : '';
  return `content${whose} ${digests.slice(0, namedDigests).join(', ')}${more} is not here, and cannot be fetched: ${why}`;
}

export function gapError(tried: string, gaps: readonly Gap[]): EngineError {
  return new EngineError('not-found', `${tried}: ${gaps.map(describeGap).join('; ')}`);
}
