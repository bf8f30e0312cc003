import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { findImage } from '#/client/containerd/find-image.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { chooseSnapshotter } from '#/client/containerd/snapshotter.ts';
import { unpackImage } from '#/client/containerd/unpack-image.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { askedSnapshotter } from '#/cli/ctr/group-flags.ts';
import type { ContainerFlags, RunFlags } from '#/cli/ctr/run/container-flags.ts';
import type { Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import type { ImageRunConfig } from '#/oci/manifest.ts';
import { hostPlatform, parsePlatform } from '#/oci/platform.ts';

/** Where a container's files come from. */
export interface PreparedRoot {
  /** A directory of the person's, instead of an image. */
  readonly directory: string | undefined;
  readonly image: string;
  readonly config: ImageRunConfig;
  readonly labels: Readonly<Record<string, string>>;
  readonly snapshotter: string;
  /** The snapshot below the container's own. */
  readonly top: string;
  readonly snapshotLabels: Readonly<Record<string, string>>;
}

export interface RootWish {
  readonly ref: string;
  readonly flags: ContainerFlags & RunFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gets an image that is not here. */
  readonly pull: (name: string) => Promise<Image>;
}

/** Finds the directory, or the image: one that is not here is pulled, one that is not unpacked is unpacked. */
export async function prepareRoot(client: ContainerdClient, wish: RootWish): Promise<PreparedRoot> {
  const { flags, env, ref } = wish;
  const snapshotter = await chooseSnapshotter(client, askedSnapshotter(flags, env));
  if (flags.rootfs) return await directoryRoot(ref, snapshotter);
  const image = (await findImage(client, ref)) ?? (await wish.pull(ref));
  const platform = flags.platform === undefined ? hostPlatform() : parsePlatform(flags.platform);
  const named = { name: image.name, target: targetOf(image) };
  const { config, top } = await unpackImage(client, named, { platform, snapshotter, syncFs: flags['sync-fs'] });
  return {
    directory: undefined,
    image: image.name,
    config: config.config,
    labels: { ...usableLabels(config.config.Labels ?? {}), ...image.labels, ...stopSignal(config.config) },
    snapshotter,
    top,
    snapshotLabels: { ...parseLabels(flags['snapshotter-label']), ...remapLabels(flags) },
  };
}

async function directoryRoot(ref: string, snapshotter: string): Promise<PreparedRoot> {
  const directory = resolve(ref);
  const stats = await stat(directory).catch(() => undefined);
  if (stats?.isDirectory() !== true)
    throw new EngineError('invalid-argument', `Cannot use "${directory}" as a root: it is no directory`);
  return { directory, image: '', config: {}, labels: {}, snapshotter, top: '', snapshotLabels: {} };
}

const longestLabel = 4096;

/** Containerd refuses labels that are too long; the image has them all the same. */
function usableLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key, value]) => key.length + value.length <= longestLabel));
}

const stopSignal = ({ StopSignal = '' }: ImageRunConfig): Record<string, string> => {
  return { 'io.containerd.image.config.stop-signal': StopSignal || 'SIGTERM' };
};

/** What snapshotters look for that can shift the owners of files. */
function remapLabels({ uidmap, gidmap }: RunFlags): Record<string, string> {
  if (uidmap.length === 0) return {};
  return {
    'containerd.io/snapshot/uidmapping': uidmap.join(','),
    'containerd.io/snapshot/gidmapping': gidmap.join(','),
  };
}
