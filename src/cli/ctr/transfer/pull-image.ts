import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { endOf } from '#/client/containerd/transfer.ts';
import { openRegistryEnd } from '#/cli/ctr/transfer/registry-end.ts';
import type { RegistryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { showTransfer } from '#/cli/ctr/transfer/show-transfer.ts';
import type { Output } from '#/cli/output.ts';
import { ImageStoreSchema } from '#/gen/containerd/types/transfer/imagestore_pb.ts';
import type { Platform } from '#/oci/platform.ts';

export interface PullWish {
  /** In full. */
  readonly reference: string;
  readonly registry: RegistryFlags;
  /** None means all. */
  readonly platforms: readonly Platform[];
  /** Undefined leaves layers packed; '' is the daemon's own choice. */
  readonly unpackWith: string | undefined;
  readonly allMetadata: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly err: Output;
}

/** Has the daemon pull an image into its store. */
export async function pullImage(client: ContainerdClient, wish: PullWish): Promise<void> {
  const { reference, env, err, unpackWith } = wish;
  await using stack = new AsyncDisposableStack();
  const platforms = wish.platforms.map(wirePlatform);
  await showTransfer(client, { err }, async (leased) => {
    const registry = stack.use(await openRegistryEnd(leased, { reference, flags: wish.registry, env, err }));
    const destination = endOf(ImageStoreSchema, {
      name: reference,
      labels: { ...wish.labels },
      platforms,
      allMetadata: wish.allMetadata,
      unpacks: unpackWith === undefined ? [] : platforms.map((platform) => ({ platform, snapshotter: unpackWith })),
    });
    return { source: registry.end, destination };
  });
}

export function wirePlatform({ os, architecture, variant = '' }: Platform): {
  os: string;
  architecture: string;
  variant: string;
} {
  return { os, architecture, variant };
}
