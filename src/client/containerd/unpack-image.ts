import { randomBytes } from 'node:crypto';
import { EngineError, isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { getPlatformImage, type PlatformImage } from '#/client/containerd/image-graph.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { openSnapshotter, type Snapshotter } from '#/client/containerd/snapshotter.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import { chainIds } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';

export interface UnpackOptions {
  readonly platform: Platform;
  readonly snapshotter: string;
  readonly syncFs?: boolean;
}

export interface Unpacked extends PlatformImage {
  /** The key of the top snapshot; '' for an image without layers. */
  readonly top: string;
}

/** Has the daemon make a snapshot of each layer that has none. What a broken-off one left is collected. */
export async function unpackImage(
  client: ContainerdClient,
  image: { readonly name: string; readonly target: Descriptor },
  options: UnpackOptions,
): Promise<Unpacked> {
  const parts = await getPlatformImage(client, image, options.platform);
  const { manifest, config } = parts;
  const chain = chainIds(config.diffIds);
  const top = chain.at(-1) ?? '';
  if (manifest.layers.length !== chain.length)
    throw new EngineError(
      'data-loss',
      `Cannot unpack image "${image.name}": its manifest lists ${manifest.layers.length} layers and its config ${chain.length}`,
    );
  const snapshotter = await openSnapshotter(client, options.snapshotter);
  if (top === '' || (await snapshotter.find(top)) !== undefined) return { ...parts, top };
  await underLease(client, async (leased) => {
    const working = await openSnapshotter(leased, options.snapshotter);
    for (const [at, layer] of manifest.layers.entries())
      await unpackLayer(
        { client: leased, snapshotter: working, syncFs: options.syncFs ?? false },
        {
          layer,
          diffId: config.diffIds[at] ?? layer.digest,
          chainId: chain[at] ?? layer.digest,
          parent: chain[at - 1] ?? '',
        },
      );
    const label = `containerd.io/gc.ref.snapshot.${options.snapshotter}`;
    await labelBlob(leased, manifest.config.digest, { [label]: top });
  });
  return { ...parts, top };
}

interface Work {
  readonly client: ContainerdClient;
  readonly snapshotter: Snapshotter;
  readonly syncFs: boolean;
}

interface Layer {
  readonly layer: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly parent: string;
}

async function unpackLayer(work: Work, layer: Layer): Promise<void> {
  const { snapshotter } = work;
  if ((await snapshotter.find(layer.chainId)) !== undefined) return;
  const key = `extract-${Date.now()}-${randomBytes(4).toString('base64url')} ${layer.chainId}`;
  const labels = { 'containerd.io/snapshot.ref': layer.chainId };
  try {
    const mounts = await snapshotter.prepare(key, layer.parent, labels);
    await applyLayer(work, layer, mounts);
    await snapshotter.commit(layer.chainId, key, {});
  } catch (error) {
    await snapshotter.remove(key).catch(() => {});
    // Somebody else made the same snapshot meanwhile, or a remote snapshotter has it already.
    if (isKind(error, 'already-exists') && (await snapshotter.find(layer.chainId)) !== undefined) return;
    throw error;
  }
}

async function applyLayer(
  { client, syncFs }: Work,
  { layer, diffId }: Layer,
  mounts: Awaited<ReturnType<Snapshotter['prepare']>>,
): Promise<void> {
  const { mediaType, digest, size } = layer;
  const diff = { mediaType, digest, size: BigInt(size) };
  const { applied } = await client.call(Diff.method.apply, { diff, mounts: [...mounts], syncFs });
  if (applied?.digest !== diffId)
    throw new EngineError(
      'data-loss',
      `Cannot unpack layer ${digest}: it holds ${applied?.digest ?? 'nothing'} where the config says ${diffId}`,
    );
  if (digest !== diffId) await labelBlob(client, digest, { 'containerd.io/uncompressed': diffId });
}

async function labelBlob(client: ContainerdClient, digest: string, labels: Record<string, string>): Promise<void> {
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  await client.call(Content.method.update, { info: { digest, labels }, updateMask: { paths } });
}
