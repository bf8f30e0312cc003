import type { Labels } from '#/base/any.ts';
import { targetLabel } from '#/core/snapshots/refuse-existing.ts';

/** The labels that are a backend's business; all others stay with our record. */
export function inheritedLabels(labels: Labels): Labels {
  const kept = Object.entries(labels).filter(
    ([key]) => key === targetLabel || key.startsWith('containerd.io/snapshot/'),
  );
  return Object.fromEntries(kept);
}
