import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { fullImageName, getImage } from '#/client/containerd/find-image.ts';
import { pullImage } from '#/cli/ctr/transfer/pull-image.ts';
import type { RegistryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import type { Output } from '#/cli/output.ts';
import type { Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { hostPlatform, parsePlatform } from '#/oci/platform.ts';

export interface MissingImage {
  readonly platform: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly err: Output;
  /** Nothing special where left out. */
  readonly registry?: RegistryFlags;
  readonly labels?: Readonly<Record<string, string>>;
}

const plainRegistry: RegistryFlags = {
  'skip-verify': false,
  'plain-http': false,
  user: undefined,
  refresh: undefined,
  'hosts-dir': undefined,
  tlscacert: undefined,
  tlscert: undefined,
  tlskey: undefined,
  'http-dump': false,
  'http-trace': false,
};

/** Says that the image is not here, and pulls it. */
export async function pullMissing(
  client: ContainerdClient,
  name: string,
  { platform, env, err, registry = plainRegistry, labels = {} }: MissingImage,
): Promise<Image> {
  const reference = fullImageName(name);
  err.line(`berth ctr: image "${name}" is not here, so ${name === reference ? 'it' : reference} is pulled`);
  await pullImage(client, {
    reference,
    registry,
    platforms: [platform === undefined ? hostPlatform() : parsePlatform(platform)],
    unpackWith: '',
    allMetadata: true,
    labels,
    env,
    err,
  });
  return await getImage(client, reference);
}
