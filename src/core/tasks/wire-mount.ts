import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Mount } from '#/core/snapshots/contract.ts';
import type { MountSchema } from '#/gen/containerd/types/mount_pb.ts';

/** A mount as a shim takes it. */
export const wireMount = ({ type, source, target = '', options }: Mount): MessageInitShape<typeof MountSchema> => ({
  type,
  source,
  target,
  options: [...options],
});
