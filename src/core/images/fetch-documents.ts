import { EngineError } from '#/base/errors.ts';
import { addLabels, fetchConfig, fetchDocument, fetchLayer, type Fetching } from '#/core/images/fetch.ts';
import { childLabels } from '#/core/images/gc-labels.ts';
import { allOrStop, Slots } from '#/core/images/run-together.ts';
import { selectEntries, type EntrySelection } from '#/core/images/select-entries.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import {
  isConfigType,
  parseImageConfig,
  parseManifestOrIndex,
  type ImageConfig,
  type ImageManifest,
} from '#/oci/manifest.ts';

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  /** False: its layers are not wanted. */
  readonly whole: boolean;
  /** An index named it, and its platform. */
  readonly wasChosen: boolean;
  /** Undefined for what is no container image. */
  readonly config: ImageConfig | undefined;
}

const deepestIndex = 4;
const maxDocuments = 2000;
const documentsAtOnce = 3;

interface Walk {
  readonly fetching: Fetching;
  readonly selection: EntrySelection;
  readonly stop: AbortController;
  readonly slots: Slots;
  readonly seen: Set<Digest>;
  readonly found: FetchedManifest[];
}

interface Place {
  readonly descriptor: Descriptor;
  readonly parent: Descriptor | undefined;
  readonly whole: boolean;
  readonly depth: number;
}

/**
 * Fetches indexes, manifests and configs from a target down, as far as they are selected. Each parent is labelled with
 * all that it names, so that what comes later is kept as well.
 */
export async function fetchDocuments(
  fetching: Fetching,
  {
    target,
    selection,
    stop,
  }: { readonly target: Descriptor; readonly selection: EntrySelection; readonly stop: AbortController },
): Promise<FetchedManifest[]> {
  const walk: Walk = { fetching, selection, stop, slots: new Slots(documentsAtOnce), seen: new Set(), found: [] };
  await visit(walk, { descriptor: target, parent: undefined, whole: true, depth: 0 });
  return walk.found;
}

async function visit(walk: Walk, place: Place): Promise<void> {
  const { fetching, seen } = walk;
  const { descriptor, parent } = place;
  if (seen.has(descriptor.digest)) return;
  seen.add(descriptor.digest);
  if (seen.size > maxDocuments) throw refuse(walk, 'resource-exhausted', `it has more than ${maxDocuments} manifests`);
  fetching.onProgress({ kind: 'found', descriptor, parent });
  const bytes = await walk.slots.run(fetching.signal, async () => await fetchDocument(fetching, descriptor));
  const document = parseManifestOrIndex(descriptor.digest, descriptor.mediaType, bytes);
  if (document.kind === 'manifest') return await takeManifest(walk, place, document.manifest);
  const { index } = document;
  if (place.depth >= deepestIndex)
    throw refuse(walk, 'invalid-argument', `its indexes are nested more than ${deepestIndex} deep`);
  await addLabels(fetching, descriptor.digest, childLabels(index.manifests));
  const entries = place.whole ? selectEntries(index, walk.selection) : [];
  const visits = entries.map(
    async ({ entry, whole }) =>
      await visit(walk, { descriptor: entry, parent: descriptor, whole, depth: place.depth + 1 }),
  );
  await allOrStop(visits, walk.stop);
}

async function takeManifest(walk: Walk, place: Place, manifest: ImageManifest): Promise<void> {
  const { fetching, slots } = walk;
  const { descriptor, whole } = place;
  const { config, layers } = manifest;
  await addLabels(fetching, descriptor.digest, childLabels([config, ...layers]));
  if (isConfigType(config.mediaType) || whole)
    fetching.onProgress({ kind: 'found', descriptor: config, parent: descriptor });
  if (whole) for (const layer of layers) fetching.onProgress({ kind: 'found', descriptor: layer, parent: descriptor });
  const read = async (): Promise<ImageConfig | undefined> => {
    if (isConfigType(config.mediaType)) return parseImageConfig(config.digest, await fetchConfig(fetching, config));
    if (whole) await fetchLayer(fetching, config);
    return undefined;
  };
  const found = await slots.run(fetching.signal, read);
  walk.found.push({ descriptor, manifest, whole, wasChosen: place.parent !== undefined, config: found });
}

function refuse({ selection }: Walk, kind: 'invalid-argument' | 'resource-exhausted', why: string): EngineError {
  return new EngineError(kind, `Cannot use ${selection.what}: ${why}`);
}
