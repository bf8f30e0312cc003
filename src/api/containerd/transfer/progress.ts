import { wireDescriptor } from '#/api/containerd/descriptors.ts';
import type { ProgressStep } from '#/api/containerd/transfer/transfer-context.ts';
import { contentKey } from '#/core/images/content-key.ts';
import type { ImageProgress } from '#/core/images/contract.ts';
import { DescriptorSchema, type Descriptor as WireDescriptor } from '#/gen/containerd/types/descriptor_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import { create } from '@bufbuild/protobuf';

/** Bars move at most so often, per node. */
const interval = 300;
const maxNodes = 10_000;

interface Node {
  readonly name: string;
  readonly parents: string[];
  readonly total: bigint;
  readonly desc: WireDescriptor;
  told: number;
}

const words = {
  exists: 'already exists',
  downloading: 'downloading',
  downloaded: 'complete',
  extracting: 'extracting',
  unpacked: 'extracted',
  uploading: 'uploading',
  uploaded: 'complete',
  mounted: 'already exists',
} as const;

export const wireTarget = (descriptor: Descriptor): WireDescriptor =>
  create(DescriptorSchema, wireDescriptor(descriptor));

/** Tells a client of the parts of an image as nodes of a tree, in the words that containerd's clients know. */
export function partsTeller(tell: (step: ProgressStep) => void, root: string): (progress: ImageProgress) => void {
  const nodes = new Map<Digest, Node>();
  const find = (descriptor: Descriptor, parent: Descriptor | undefined): void => {
    const parents = [parent === undefined ? root : contentKey(parent)];
    const known = nodes.get(descriptor.digest);
    if (known !== undefined || nodes.size >= maxNodes) {
      if (known?.parents.includes(parents[0] ?? '') === false) known.parents.push(...parents);
      return;
    }
    const name = contentKey(descriptor);
    const total = BigInt(descriptor.size);
    const node = { name, parents, total, desc: wireTarget(descriptor), told: 0 };
    nodes.set(descriptor.digest, node);
    tell({ event: 'waiting', name, parents: [...parents], total, desc: node.desc });
  };
  return (progress) => {
    if (progress.kind === 'found') return find(progress.descriptor, progress.parent);
    if (progress.kind === 'stored')
      return tell({ event: 'saved', name: progress.name, desc: wireTarget(progress.target) });
    if (progress.kind === 'left-out') {
      const { descriptor, why } = progress;
      return tell({
        event: `left out: ${why}`,
        name: contentKey(descriptor),
        parents: [root],
        desc: wireTarget(descriptor),
      });
    }
    if (!('digest' in progress) || progress.kind === 'waiting') return undefined;
    const node = nodes.get(progress.digest);
    if (node === undefined) return undefined;
    const { name, parents, desc } = node;
    if (!('current' in progress))
      return tell({
        event: words[progress.kind],
        name,
        parents: [...parents],
        progress: node.total,
        total: node.total,
        desc,
      });
    const time = performance.now();
    if (time - node.told < interval) return undefined;
    node.told = time;
    const current = BigInt(progress.current);
    return tell({
      event: words[progress.kind],
      name,
      parents: [...parents],
      progress: current,
      total: node.total,
      desc,
    });
  };
}
