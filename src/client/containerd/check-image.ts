import { isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { findContentInfo } from '#/client/containerd/content.ts';
import { getPlatformImage } from '#/client/containerd/image-graph.ts';
import type { Snapshotter } from '#/client/containerd/snapshotter.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { chainIds } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';

export interface ImageCheck {
  /** The manifest for the platform is here, so that it is known what else there should be. */
  readonly available: boolean;
  readonly required: number;
  readonly present: number;
  readonly missing: number;
  readonly requiredSize: number;
  readonly presentSize: number;
  /** The snapshotter has all of its layers. */
  readonly unpacked: boolean;
}

export interface CheckOptions {
  readonly platform: Platform;
  readonly snapshotter: Snapshotter;
}

/** What of an image is here for a platform: config and layers, and the snapshot that they make. */
export async function checkImage(
  client: ContainerdClient,
  target: Descriptor,
  { platform, snapshotter }: CheckOptions,
): Promise<ImageCheck> {
  try {
    const { manifest, config } = await getPlatformImage(client, { name: target.digest, target }, platform);
    const required = [manifest.config, ...manifest.layers];
    const infos = await Promise.all(required.map(({ digest }) => findContentInfo(client, digest)));
    const present = required.filter((_descriptor, at) => infos[at] !== undefined);
    const top = chainIds(config.diffIds).at(-1);
    return {
      available: true,
      required: required.length,
      present: present.length,
      missing: required.length - present.length,
      requiredSize: sizeOf(required),
      presentSize: sizeOf(present),
      unpacked: top === undefined || (await snapshotter.find(top)) !== undefined,
    };
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
    return { available: false, required: 0, present: 0, missing: 0, requiredSize: 0, presentSize: 0, unpacked: false };
  }
}

const sizeOf = (descriptors: readonly Descriptor[]): number => descriptors.reduce((sum, { size }) => sum + size, 0);
