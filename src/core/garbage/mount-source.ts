import type { Metadata } from '#/core/metadata/contract.ts';
import { backReferencesOf, leaseNode, sourceNode } from '#/core/metadata/garbage-labels.ts';
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';

const word = 'mount';

/** Active mounts are kept by their lease, by what their labels name, and by what names them; others are taken down. */
export function mountSource(
  { read }: Pick<Metadata, 'read'>,
  deactivate: (namespace: string, name: string) => Promise<void>,
): GarbageSource {
  return {
    word,
    scan: (namespace, visitor) => {
      for (const { name, lease, labels, complete } of read.mounts.list(namespace)) {
        const node = sourceNode(word, name);
        if (!complete) visitor.root(node);
        if (lease !== '') visitor.reference(leaseNode(lease), node);
        for (const keeper of backReferencesOf(labels)) visitor.reference(keeper, node);
      }
    },
    list: (namespace) => read.mounts.list(namespace).map(({ name }) => name),
    remove: (namespace, name) => deactivate(namespace, name),
  };
}
