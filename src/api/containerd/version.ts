import type { ContainerdCore } from '#/api/containerd/core.ts';
import { Version } from '#/gen/containerd/services/version/v1/version_pb.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

export function versionService({ identity }: ContainerdCore): BoundService {
  return bindService(Version, {
    version: () => ({ version: identity.version, revision: identity.revision }),
  });
}
