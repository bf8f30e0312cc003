import type { ContainerdCore } from '#/api/containerd/core.ts';
import type { Platform } from '#/oci/platform.ts';
import { hostPlatform } from '#/oci/platform.ts';
import type { BoundService } from '#/rpc/service.ts';

/** A part of the daemon under containerd's names for parts. */
export interface Plugin {
  readonly type: string;
  readonly id: string;
  readonly requires: readonly string[];
  readonly platforms: readonly Platform[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

/**
 * The parts that are there: one entry per snapshotter and per service, and the fixed ones. Newer Go clients look for the
 * snapshotter before they unpack, builders for a runtime with a platform.
 */
export function listPlugins({ snapshotters }: ContainerdCore, services: readonly BoundService[]): Plugin[] {
  const platforms = [hostPlatform()];
  const plain = { requires: [], platforms: [], exports: {}, capabilities: [] };
  return [
    { ...plain, type: 'io.containerd.content.v1', id: 'content' },
    ...[...snapshotters.values()].map(({ name, root }) => ({
      ...plain,
      type: 'io.containerd.snapshotter.v1',
      id: name,
      platforms,
      exports: { root },
    })),
    {
      ...plain,
      type: 'io.containerd.metadata.v1',
      id: 'sqlite',
      requires: ['io.containerd.content.v1', 'io.containerd.snapshotter.v1'],
    },
    {
      ...plain,
      type: 'io.containerd.differ.v1',
      id: 'walking',
      platforms,
      requires: ['io.containerd.metadata.v1'],
    },
    { ...plain, type: 'io.containerd.gc.v1', id: 'scheduler', requires: ['io.containerd.metadata.v1'] },
    {
      ...plain,
      type: 'io.containerd.runtime.v2',
      id: 'task',
      platforms,
      requires: ['io.containerd.metadata.v1'],
      exports: { 'log-uri-schemes': 'binary,file,fifo' },
    },
    ...services.map((service) => ({ ...plain, type: 'io.containerd.grpc.v1', id: serviceId(service) })),
  ];
}

/** `containerd.services.tasks.v1.Tasks` → `tasks`; gRPC's own health service has another name among plugins. */
function serviceId({ desc }: BoundService): string {
  const parts = desc.typeName.split('.');
  return parts[0] === 'grpc' ? 'healthcheck' : (parts.at(-3) ?? desc.typeName);
}
