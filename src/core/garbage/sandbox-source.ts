import type { Metadata } from '#/core/metadata/contract.ts';
import { referencesOf } from '#/core/metadata/garbage-labels.ts';
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';

/** Sandboxes are never collected, and keep what their labels name. */
export function sandboxSource({ read }: Pick<Metadata, 'read'>): GarbageSource {
  return {
    scan: (namespace, visitor) => {
      for (const { labels } of read.sandboxes.list(namespace))
        for (const node of referencesOf(labels, ['mount', 'stream'])) visitor.root(node);
    },
    list: () => [],
    remove: () => Promise.resolve(),
  };
}
