import { text, type FlagsFor } from '#/cli/flags.ts';

export const snapshotterFlags: FlagsFor<{ readonly snapshotter: string | undefined }> = {
  snapshotter: text(
    '',
    'NAME',
    'Snapshotter to use (default: the namespace’s, "overlayfs"; also CONTAINERD_SNAPSHOTTER)',
  ),
};

/** The flag, else the environment. */
export function askedSnapshotter(
  flags: { readonly snapshotter: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return flags.snapshotter ?? (env['CONTAINERD_SNAPSHOTTER'] || undefined);
}
