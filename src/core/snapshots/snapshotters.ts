import type { OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { openNative } from '#/core/snapshots/native.ts';
import { openOverlay, type OverlayOptions } from '#/core/snapshots/overlay.ts';

/** What a configuration can set for each: where it keeps its files, and its options. */
export interface SnapshotterSettings {
  readonly overlayfs?: OverlayOptions & { readonly rootPath?: string };
  readonly native?: { readonly rootPath?: string };
}

type Opener = (settings: SnapshotterSettings) => OpenSnapshotter;

/** The snapshotters of this program, ready to be opened. */
export const snapshotterOpeners: Readonly<Record<keyof SnapshotterSettings, Opener>> = {
  overlayfs:
    ({ overlayfs: { rootPath, ...options } = {} }) =>
    (context) =>
      openOverlay({ ...context, root: rootPath ?? context.root, options }),
  native:
    ({ native: { rootPath } = {} }) =>
    (context) =>
      openNative({ ...context, root: rootPath ?? context.root }),
};
