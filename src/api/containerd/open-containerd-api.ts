import { containersService } from '#/api/containerd/containers.ts';
import { contentService } from '#/api/containerd/content.ts';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { diffService } from '#/api/containerd/diff.ts';
import { eventsService } from '#/api/containerd/events.ts';
import type { GarbageCollection } from '#/api/containerd/garbage.ts';
import { openGarbageCollection } from '#/api/containerd/garbage.ts';
import { healthService } from '#/api/containerd/health.ts';
import { imagesService } from '#/api/containerd/images.ts';
import { introspectionService } from '#/api/containerd/introspection.ts';
import { leasesService } from '#/api/containerd/leases.ts';
import { namespacesService } from '#/api/containerd/namespaces.ts';
import { listPlugins } from '#/api/containerd/plugins.ts';
import { sandboxControllersService } from '#/api/containerd/sandbox-controllers.ts';
import { sandboxStoreService } from '#/api/containerd/sandbox-store.ts';
import { snapshotsService } from '#/api/containerd/snapshots.ts';
import { tasksService } from '#/api/containerd/tasks.ts';
import { streamingService } from '#/api/containerd/transfer/streaming.ts';
import { Streams } from '#/api/containerd/transfer/streams.ts';
import { transferService } from '#/api/containerd/transfer/transfer.ts';
import { versionService } from '#/api/containerd/version.ts';
import { createGrpcServer } from '#/rpc/grpc-server.ts';
import type { BoundService } from '#/rpc/service.ts';

export interface ContainerdApiOptions {
  readonly core: ContainerdCore;
  /** Path of the gRPC socket. */
  readonly address: string;
  /** Group that may use the gRPC socket. */
  readonly gid?: number;
  /** Services of other faces on the same gRPC socket (CRI). */
  readonly more?: readonly BoundService[];
}

/**
 * Serves containerd's API until it is disposed of. Closing lets short calls end and fails long polls with
 * `unavailable`, so that no client takes a stopping daemon for an exited container.
 */
export async function openContainerdApi(options: ContainerdApiOptions): Promise<AsyncDisposable> {
  const { core, address, gid, more = [] } = options;
  await using undo = new AsyncDisposableStack();
  const garbage = undo.use(openGarbageCollection(core));
  const server = undo.use(createGrpcServer({ services: [...services(core, garbage), ...more], logger: core.logger }));
  await server.listen({ path: address, ...(gid === undefined ? {} : { gid }) });
  return undo.move();
}

function services(core: ContainerdCore, garbage: GarbageCollection): readonly BoundService[] {
  const streams = new Streams();
  const served: BoundService[] = [
    versionService(core),
    healthService(),
    namespacesService(core),
    containersService(core, garbage),
    contentService(core, garbage),
    imagesService(core, garbage),
    snapshotsService(core, garbage),
    leasesService(core, garbage),
    diffService(core),
    tasksService(core),
    sandboxStoreService(core),
    sandboxControllersService(core),
    eventsService(core),
    streamingService(streams),
    transferService(core, streams),
  ];
  const introspection = introspectionService(core, () => listPlugins(core, all));
  const all = [...served, introspection];
  return all;
}
