import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { describeGap, obtainNothing, type Obtain } from '#/core/images/complete-image.ts';
import type { ImageProgress, PushImage } from '#/core/images/contract.ts';
import { getImage } from '#/core/images/find.ts';
import { sourceLabel, withSource } from '#/core/images/gc-labels.ts';
import { isForeign, type StoredManifest } from '#/core/images/image-content.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import { underLease } from '#/core/images/lease-work.ts';
import { planPush, type PushPlan } from '#/core/images/push-plan.ts';
import { allOrStop, Slots } from '#/core/images/run-together.ts';
import { domainsOf, openSources, type Sources } from '#/core/images/sources.ts';
import type { Repository } from '#/core/registry/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { formatReference } from '#/oci/reference.ts';

interface Pushing {
  readonly parts: ImageParts;
  readonly namespace: string;
  readonly repository: Repository;
  readonly sources: Sources;
  readonly stop: AbortController;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImageProgress) => void;
}

/** Sends an image: blobs first, then manifests, an index last, so that a name never points at what is not there. */
export async function pushImage(parts: ImageParts, namespace: string, options: PushImage): Promise<Descriptor> {
  const { reference, access = {}, platforms = [], onProgress = (): void => {} } = options;
  const { name, target } = await getImage(parts, namespace, options.name);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  return await underLease(parts, namespace, async (lease) => {
    await parts.metadata.write((tx) =>
      tx.addLeaseResource(namespace, lease.id, { type: 'content', id: target.digest }),
    );
    await using repository = await parts.registry.openRepository(reference, { ...access, signal });
    const from = { domain: reference.domain, options: access };
    const common = { parts, namespace, signal, onProgress };
    const domains = [...domainsOf([name]), reference.domain];
    await using sources = openSources({ ...common, domains, lease: lease.id, access: from });
    const pushing: Pushing = { ...common, repository, sources, stop };
    const selection = { what: `image "${name}"`, platforms, lenient: true };
    const blob: Obtain['blob'] = async (wanted, manifest) => await canSend(pushing, wanted, manifest);
    const obtain = options.complete === true ? { document: sources.fetchDocument, blob } : obtainNothing;
    const plan = await planPush({ ...common, selection, obtain }, target);
    tellPlan(pushing, plan);
    await pushBlobs(pushing, plan.manifests);
    const pushed = await pushDocuments(pushing, plan, reference.tag);
    onProgress({ kind: 'stored', name: formatReference(reference), target: pushed });
    return pushed;
  });
}

/** A blob that is not here needs not come here when the registry has it, or can take it from beside. */
async function canSend(pushing: Pushing, blob: Descriptor, manifest: Descriptor): Promise<string | undefined> {
  const { repository, sources } = pushing;
  if (await repository.hasBlob(blob.digest)) return undefined;
  return await sources.lookFor(blob, labelsOf(pushing, manifest));
}

const labelsOf = ({ parts, namespace }: Pushing, { digest }: Descriptor): Labels =>
  parts.content.find(namespace, digest)?.labels ?? {};

function tellPlan({ parts, onProgress }: Pushing, { manifests, documents, leftOut }: PushPlan): void {
  const root = documents.at(-1)?.descriptor;
  for (const { descriptor } of documents.toReversed())
    onProgress({ kind: 'found', descriptor, parent: descriptor === root ? undefined : root });
  for (const { descriptor, manifest } of manifests)
    for (const blob of [manifest.config, ...manifest.layers])
      if (!isForeign(blob)) onProgress({ kind: 'found', descriptor: blob, parent: descriptor });
  for (const gap of leftOut) {
    const why = describeGap(gap);
    parts.logger.info('a part of an image is not pushed', { digest: gap.descriptor.digest, why });
    onProgress({ kind: 'left-out', descriptor: gap.descriptor, why });
  }
}

async function pushBlobs(pushing: Pushing, manifests: readonly StoredManifest[]): Promise<void> {
  const blobs = manifests.flatMap(({ descriptor, manifest }) =>
    [...manifest.layers.filter((layer) => !isForeign(layer)), manifest.config].map((blob) => ({
      blob,
      parent: descriptor,
    })),
  );
  const unique = [...new Map(blobs.map((entry) => [entry.blob.digest, entry])).values()];
  pushing.onProgress({ kind: 'layers', layers: unique.map(({ blob }) => blob) });
  const slots = new Slots(pushing.parts.transfers.uploads);
  const works = unique.map(({ blob, parent }) =>
    slots.run(pushing.signal, async () => await pushBlob(pushing, blob, parent)),
  );
  await allOrStop(works, pushing.stop);
}

async function pushBlob(pushing: Pushing, descriptor: Descriptor, parent: Descriptor): Promise<void> {
  const { parts, namespace, repository, onProgress } = pushing;
  const { digest, size: total } = descriptor;
  const { content } = parts;
  const known = content.find(namespace, digest);
  const mountFrom = otherRepository(known?.labels ?? labelsOf(pushing, parent), repository);
  const result = await repository.pushBlob({
    descriptor,
    read: (offset) => readOrFetch(pushing, { descriptor, parent, offset }),
    ...(mountFrom === undefined ? {} : { mountFrom }),
    onProgress: (current) => onProgress({ kind: 'uploading', digest, current, total }),
  });
  if (content.find(namespace, digest) !== undefined)
    await content.setLabels(namespace, digest, (labels) => withSource(labels, repository.reference));
  const kinds = { pushed: 'uploaded', mounted: 'mounted', exists: 'exists' } as const;
  onProgress({ kind: kinds[result], digest });
}

interface PushedRange {
  readonly descriptor: Descriptor;
  readonly parent: Descriptor;
  readonly offset: number;
}

async function* readOrFetch(pushing: Pushing, { descriptor, parent, offset }: PushedRange): AsyncGenerator<Uint8Array> {
  const { parts, namespace, sources } = pushing;
  const { digest } = descriptor;
  if (parts.content.find(namespace, digest) === undefined) {
    const why = await sources.fetchBlob(descriptor, labelsOf(pushing, parent));
    if (why !== undefined) throw new EngineError('not-found', `Cannot push blob ${digest}: it is not here: ${why}`);
  }
  yield* parts.content.read(namespace, digest, { offset });
}

/** A repository of the same registry that the blob came from or went to. */
function otherRepository(labels: Labels, { reference }: Repository): string | undefined {
  const known = (labels[sourceLabel(reference.domain)] ?? '').split(',');
  return known.findLast((path) => path !== '' && path !== reference.path);
}

/** Children go by their digest; only the outermost gets the tag. */
async function pushDocuments(
  { repository, onProgress }: Pushing,
  { documents }: PushPlan,
  tag: string | undefined,
): Promise<Descriptor> {
  const outermost = documents.at(-1);
  if (outermost === undefined) throw new EngineError('internal', 'Cannot push: there is no manifest');
  for (const document of documents) {
    const { descriptor, bytes } = document;
    await repository.pushManifest(descriptor, bytes, document === outermost ? tag : undefined);
    onProgress({ kind: 'uploaded', digest: descriptor.digest });
  }
  return outermost.descriptor;
}
