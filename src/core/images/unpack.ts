import type { Labels } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError, describeFailure, isKind, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { ImageProgress } from '#/core/images/contract.ts';
import { snapshotTargetLabel, uncompressedLabel, unpackedLabel } from '#/core/images/gc-labels.ts';
import { inheritedAnnotations, sourceLabels, type ImageSource } from '#/core/images/source-labels.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import type { LayerUsage } from '#/core/layers/contract.ts';
import { snapshotRecordKey } from '#/core/metadata/contract.ts';
import type { Mount, Snapshotter } from '#/core/snapshots/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';

export interface Unpacking {
  readonly parts: ImageParts;
  readonly namespace: string;
  readonly snapshotter: Snapshotter;
  readonly lease: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImageProgress) => void;
}

export interface LayerStack {
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
  /** Chain ids, bottom first. */
  readonly chain: readonly Digest[];
  readonly configDigest: Digest;
  /** Where the image comes from, for snapshotters that fetch by themselves. */
  readonly source?: ImageSource;
  /** Resolves when the blob of the layer with this index is in the content store. */
  readonly arrival: (index: number) => Promise<void>;
}

interface LayerStep {
  readonly layer: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly parent: string;
  readonly labels: Labels;
  readonly arrival: () => Promise<void>;
}

export function getSnapshotter({ snapshotters }: ImageParts, name: string): Snapshotter {
  const snapshotter = snapshotters.get(name);
  if (snapshotter !== undefined) return snapshotter;
  const known = [...snapshotters.keys()].map((key) => `"${key}"`).join(', ');
  throw new EngineError(
    'invalid-argument',
    `Cannot unpack for snapshotter "${name}": there is none; there are ${known}`,
  );
}

/** Makes the snapshots of a stack from the bottom up, each as soon as its layer has arrived. */
export async function unpackStack(unpacking: Unpacking, stack: LayerStack): Promise<void> {
  const done = await heldLayers(unpacking, stack.chain);
  for (const [index, layer] of stack.layers.entries()) {
    const [diffId, chainId] = [stack.diffIds[index], stack.chain[index]];
    if (diffId === undefined || chainId === undefined) continue;
    const labels = labelsOf(unpacking, stack, index);
    const arrival = (): Promise<void> => stack.arrival(index);
    const step = { layer, diffId, chainId, parent: stack.chain[index - 1] ?? '', labels, arrival };
    if (index >= done) await unpackLayer(unpacking, step);
    unpacking.onProgress({ kind: 'unpacked', digest: layer.digest });
  }
  const top = stack.chain.at(-1);
  if (top !== undefined)
    await label(unpacking, stack.configDigest, { [unpackedLabel(unpacking.snapshotter.name)]: top });
}

function labelsOf({ snapshotter }: Unpacking, { layers, chain, source }: LayerStack, index: number): Labels {
  const [layer, target] = [layers[index], chain[index]];
  if (layer === undefined || target === undefined) return {};
  const told = snapshotter.lazy === true && source !== undefined ? sourceLabels(source, layers.slice(index)) : {};
  return { ...inheritedAnnotations(layer), ...told, [snapshotTargetLabel]: target };
}

/** How many layers from the bottom are unpacked already; holding the highest keeps those below it. */
async function heldLayers(unpacking: Unpacking, chain: readonly Digest[]): Promise<number> {
  for (let count = chain.length; count > 0; count -= 1) {
    const chainId = chain[count - 1];
    if (chainId !== undefined && (await holdSnapshot(unpacking, chainId))) return count;
  }
  return 0;
}

/** Whether an image needs no unpacking at all: its top is there, and its config keeps it. */
export function isUnpacked(
  { metadata, content }: ImageParts,
  namespace: string,
  {
    snapshotter,
    top,
    configDigest,
  }: { readonly snapshotter: string; readonly top: Digest; readonly configDigest: Digest },
): boolean {
  const snapshot = metadata.read.snapshots.find(namespace, snapshotRecordKey(snapshotter, top));
  const kept = content.find(namespace, configDigest)?.labels[unpackedLabel(snapshotter)];
  return snapshot?.kind === 'committed' && kept === top;
}

/** A lazy snapshotter is asked before the layer is fetched. */
async function unpackLayer(unpacking: Unpacking, step: LayerStep): Promise<void> {
  const { parts, namespace, snapshotter, signal } = unpacking;
  if (await holdSnapshot(unpacking, step.chainId)) return;
  if (snapshotter.lazy !== true) await step.arrival();
  await parts.unpacking.run(`${namespace} ${snapshotter.name} ${step.chainId}`, async () => {
    signal.throwIfAborted();
    if (await holdSnapshot(unpacking, step.chainId)) return;
    await makeSnapshot(unpacking, step);
  });
  await label(unpacking, step.layer.digest, { [uncompressedLabel]: step.diffId });
}

/** Has the lease keep a committed snapshot, in the very transaction that looks for it; false when there is none. */
async function holdSnapshot({ parts, namespace, snapshotter, lease }: Unpacking, key: string): Promise<boolean> {
  const record = snapshotRecordKey(snapshotter.name, key);
  if (parts.metadata.read.snapshots.find(namespace, record) === undefined) return false;
  return await parts.metadata.write((tx) => {
    if (tx.snapshots.find(namespace, record)?.kind !== 'committed') return false;
    tx.addLeaseResource(namespace, lease, { type: `snapshots/${snapshotter.name}`, id: key });
    return true;
  });
}

async function makeSnapshot(unpacking: Unpacking, step: LayerStep): Promise<void> {
  const { parts, namespace, snapshotter, lease } = unpacking;
  const key = `extract-${now()}-${newToken(4)} ${step.chainId}`;
  const { labels } = step;
  const tell = (event: Parameters<typeof parts.events.publish>[1]): void => parts.events.publish(namespace, event);
  const mounts = await prepare(unpacking, { key, parent: step.parent, labels });
  if (mounts === 'exists') return;
  tell({ topic: '/snapshot/prepare', key, parent: step.parent, snapshotter: snapshotter.name });
  try {
    await step.arrival();
    const usage = await applyLayer(unpacking, step, mounts);
    await snapshotter.commit(namespace, step.chainId, key, {
      labels,
      lease,
      ...(usage === undefined ? {} : { usage }),
    });
    tell({ topic: '/snapshot/commit', key, name: step.chainId, snapshotter: snapshotter.name });
  } catch (error) {
    await removeSnapshot(unpacking, key);
    if (!isKind(error, 'already-exists')) throw error;
  }
}

/** A snapshotter may know the layer already and say so when it is asked to prepare it (containerd-api.md §2.8). */
async function prepare(
  { namespace, snapshotter, lease }: Unpacking,
  { key, parent, labels }: { readonly key: string; readonly parent: string; readonly labels: Labels },
): Promise<readonly Mount[] | 'exists'> {
  try {
    return await snapshotter.prepare(namespace, key, parent, { labels, lease });
  } catch (error) {
    if (isKind(error, 'already-exists')) return 'exists';
    throw error;
  }
}

/** Returns what the layer takes of the disk, where that is known. */
async function applyLayer(
  unpacking: Unpacking,
  step: LayerStep,
  mounts: readonly Mount[],
): Promise<LayerUsage | undefined> {
  const { parts, namespace, signal, onProgress } = unpacking;
  const { digest, mediaType, size: total } = step.layer;
  const tried = `Cannot unpack layer ${digest}`;
  const path = parts.content.blobPath(namespace, digest);
  const applied = await parts.layers
    .apply({
      path,
      mediaType,
      compression: 'detect',
      mounts,
      withUsage: true,
      signal,
      onProgress: (current) => onProgress({ kind: 'extracting', digest, current, total }),
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw describeFailure(tried, error);
    });
  if (applied.diffId !== step.diffId)
    throw new EngineError(
      'data-loss',
      `${tried}: its uncompressed digest is ${applied.diffId} where the image's config says ${step.diffId}`,
    );
  return applied.usage;
}

/** Undoing must not hide why it was needed. */
async function removeSnapshot({ parts, namespace, snapshotter }: Unpacking, key: string): Promise<void> {
  try {
    await snapshotter.remove(namespace, key);
    parts.events.publish(namespace, { topic: '/snapshot/remove', key, snapshotter: snapshotter.name });
  } catch (error) {
    if (isKind(error, 'not-found')) return;
    parts.logger.warn('a snapshot of a failed unpack is left for garbage collection', { key, error: messageOf(error) });
  }
}

async function label({ parts, namespace }: Unpacking, digest: Digest, more: Labels): Promise<void> {
  const known = parts.content.find(namespace, digest)?.labels;
  if (known === undefined || Object.entries(more).every(([key, value]) => known[key] === value)) return;
  await parts.content.setLabels(namespace, digest, (labels) => ({ ...labels, ...more }));
}
