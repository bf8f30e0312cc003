import type { MessageInitShape } from '@bufbuild/protobuf';
import { EngineError } from '#/base/errors.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import type { Descriptor as WireDescriptor, DescriptorSchema } from '#/gen/containerd/types/descriptor_pb.ts';
import type { Mount as WireMount, MountSchema } from '#/gen/containerd/types/mount_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { parseDigest } from '#/oci/digest.ts';
import { sizeOf } from '#/api/containerd/wire-numbers.ts';

/** Reads a descriptor. Throws `invalid-argument` for a bad digest or size, or no media type. */
export function descriptorOf(wire: WireDescriptor): Descriptor {
  const digest = parseDigest(wire.digest);
  const size = sizeOf('the size of a descriptor', wire.size);
  if (wire.mediaType === '')
    throw new EngineError('invalid-argument', `Cannot use the descriptor of "${digest}": it has no media type`);
  const annotations = Object.keys(wire.annotations).length === 0 ? {} : { annotations: { ...wire.annotations } };
  return { mediaType: wire.mediaType, digest, size, ...annotations };
}

export function wireDescriptor(descriptor: Descriptor): MessageInitShape<typeof DescriptorSchema> {
  const { mediaType, digest, size, annotations = {} } = descriptor;
  return { mediaType, digest, size: BigInt(size), annotations: { ...annotations } };
}

/** Reads a list of mounts for whoever knows what a target is. */
export const targetedMountsOf = (wires: readonly WireMount[]): Mount[] =>
  wires.map(({ type, source, target, options }) => ({
    type,
    source,
    ...(target === '' ? {} : { target }),
    options: [...options],
  }));

/** Reads a list of mounts. Their target, for mounts below the first one's, is not offered and refused. */
export function mountsOf(wires: readonly WireMount[]): Mount[] {
  return wires.map(({ type, source, target, options }) => {
    if (target !== '')
      throw new EngineError(
        'unimplemented',
        `Cannot mount "${source}" on "${target}": mounts with a target are not supported`,
      );
    return { type, source, options: [...options] };
  });
}

export const wireMounts = (mounts: readonly Mount[]): MessageInitShape<typeof MountSchema>[] =>
  mounts.map(({ type, source, target = '', options }) => ({ type, source, target, options: [...options] }));
