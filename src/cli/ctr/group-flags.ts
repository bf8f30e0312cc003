import { text, type FlagsFor } from '#/cli/flags.ts';

export const snapshotterFlags: FlagsFor<{ readonly snapshotter: string | undefined }> = {
  snapshotter: text(
    '',
    'NAME',
    'Snapshotter to use (default: the namespace’s, "overlayfs"; also CONTAINERD_SNAPSHOTTER)',
  ),
};

/** What the commands under `pprof` share. */
export const debugSocketFlags: FlagsFor<{ readonly 'debug-socket': string | undefined }> = {
  'debug-socket': text('d', 'SOCKET', 'The daemon’s debug socket (default "/run/containerd/debug.sock")'),
};

export interface ShimFlags {
  readonly id: string | undefined;
  readonly 'shim-address': string | undefined;
}

/** What the commands under `shim` share. */
export const shimFlags: FlagsFor<ShimFlags> = {
  id: text('', 'ID', 'Id of the shim, mostly that of its container'),
  'shim-address': text('', 'SOCKET', 'Socket of the shim (default: worked out from its id)'),
};

/** The flag, else the environment. */
export function askedSnapshotter(
  flags: { readonly snapshotter: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return flags.snapshotter ?? (env['CONTAINERD_SNAPSHOTTER'] || undefined);
}
