import { isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Mounts } from '#/gen/containerd/services/mounts/v1/mounts_pb.ts';
import type { Mount } from '#/gen/containerd/types/mount_pb.ts';

/**
 * What is left for us to mount after the daemon did its part. Plain mounts need none of it, and older daemons do not
 * know how: both leave the mounts as they are.
 */
export async function activateMounts(
  client: ContainerdClient,
  name: string,
  mounts: readonly Mount[],
  { temporary }: { readonly temporary: boolean } = { temporary: true },
): Promise<readonly Mount[]> {
  try {
    const { info } = await client.call(Mounts.method.activate, { name, mounts: [...mounts], temporary });
    return info?.system ?? mounts;
  } catch (error) {
    if (isKind(error, 'unimplemented')) return mounts;
    throw error;
  }
}
