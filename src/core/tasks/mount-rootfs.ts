import type { Mount } from '#/core/snapshots/contract.ts';
import { rootfsOf, type Bundle } from '#/core/tasks/bundle.ts';
import { mountAll } from '#/linux/mount.ts';

/**
 * What is left for the shim to mount. Mounts that shift owners are carried out here, on the bundle's rootfs, for shims
 * older than containerd 2 do not know how; what ends a bundle undoes them as it undoes a shim's.
 */
export async function mountsForShim(bundle: Bundle, mounts: readonly Mount[]): Promise<Mount[]> {
  const shifts = mounts.some(({ options }) => options.some((option) => option.startsWith('uidmap=')));
  const below = mounts.some(({ target }) => target !== undefined);
  if (!shifts || below) return [...mounts];
  await mountAll(mounts, rootfsOf(bundle));
  return [];
}
