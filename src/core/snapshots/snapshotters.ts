import type { OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { openNative } from '#/core/snapshots/native.ts';
import { openOverlay } from '#/core/snapshots/overlay.ts';

/** The snapshotters that a configuration can name. */
export const snapshotterOpeners: Readonly<Record<'overlayfs' | 'native', OpenSnapshotter>> = {
  overlayfs: openOverlay,
  native: openNative,
} satisfies Record<string, OpenSnapshotter>;
