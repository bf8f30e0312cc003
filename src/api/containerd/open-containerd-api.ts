import { EngineError } from '#/base/errors.ts';
import { containersService } from '#/api/containerd/containers.ts';
import { contentService } from '#/api/containerd/content.ts';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { diffService } from '#/api/containerd/diff-service.ts';
import { eventsService } from '#/api/containerd/events.ts';
import { healthService } from '#/api/containerd/health.ts';
import { imagesService } from '#/api/containerd/images.ts';
import { introspectionService } from '#/api/containerd/introspection.ts';
import { leasesService } from '#/api/containerd/leases.ts';
import { mountsService } from '#/api/containerd/mounts.ts';
import { namespacesService } from '#/api/containerd/namespaces.ts';
import { listPlugins, serviceUri } from '#/api/containerd/plugins.ts';
import { sandboxControllersService } from '#/api/containerd/sandbox-controllers.ts';
import { sandboxStoreService } from '#/api/containerd/sandbox-store.ts';
import { snapshotsService } from '#/api/containerd/snapshots.ts';
import { tasksService } from '#/api/containerd/tasks.ts';
import { streamingService } from '#/api/containerd/transfer/streaming.ts';
import { Streams } from '#/api/containerd/transfer/streams.ts';
import { transferService } from '#/api/containerd/transfer/transfer.ts';
import { versionService } from '#/api/containerd/version.ts';
import type { HandledCall } from '#/rpc/grpc-call.ts';
import { createGrpcServer, type OpenCall } from '#/rpc/grpc-server.ts';
import type { BoundService } from '#/rpc/service.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';

export interface ContainerdApiOptions {
  readonly core: ContainerdCore;
  readonly listen: readonly UnixAddress[];
  /** Bytes of the largest message, each way. */
  readonly limits?: { readonly receive: number; readonly send: number };
  /** Told of each call when it has ended. */
  readonly onHandled?: (call: HandledCall) => void;
  /** Parts that are left out, such as "io.containerd.grpc.v1.transfer". */
  readonly disabled?: readonly string[];
  /** Parts without which nothing is served. */
  readonly required?: readonly string[];
  /** Services of other faces on the same gRPC socket (CRI). */
  readonly more?: readonly BoundService[];
}

export interface ContainerdApi extends AsyncDisposable {
  /** What clients wait for. */
  openCalls(): readonly OpenCall[];
}

/**
 * Serves containerd's API until it is disposed of. Closing lets short calls end and fails long polls with
 * `unavailable`, so that no client takes a stopping daemon for an exited container.
 */
export async function openContainerdApi(options: ContainerdApiOptions): Promise<ContainerdApi> {
  const { core, listen, more = [], disabled = [], required = [], limits, onHandled } = options;
  await using undo = new AsyncDisposableStack();
  const streams = new Streams();
  undo.defer(core.garbage.addSource(streams.source));
  const served = [...services(core, streams, disabled), ...more];
  checkRequired(core, served, required);
  const server = undo.use(
    createGrpcServer({
      services: served,
      logger: core.logger,
      ...(limits === undefined ? {} : { limits }),
      ...(onHandled === undefined ? {} : { onHandled }),
    }),
  );
  for (const address of listen) await server.listen(address);
  const closing = undo.move();
  return { openCalls: () => server.openCalls(), [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

function checkRequired(core: ContainerdCore, served: readonly BoundService[], required: readonly string[]): void {
  const there = new Set(listPlugins(core, served).flatMap(({ type, id, absent }) => (absent ? [] : [`${type}.${id}`])));
  const missing = required.filter((uri) => !there.has(uri));
  if (missing.length === 0) return;
  throw new EngineError(
    'failed-precondition',
    `Cannot start: the configuration requires parts that are not there: ${missing.map((uri) => `"${uri}"`).join(', ')}`,
  );
}

function services(core: ContainerdCore, streams: Streams, disabled: readonly string[]): readonly BoundService[] {
  const served: BoundService[] = [
    versionService(core),
    healthService(),
    namespacesService(core),
    containersService(core),
    contentService(core),
    imagesService(core),
    snapshotsService(core),
    leasesService(core),
    diffService(core),
    tasksService(core),
    mountsService(core),
    sandboxStoreService(core),
    sandboxControllersService(core),
    eventsService(core),
    streamingService(streams),
    transferService(core, streams),
  ];
  const introspection = introspectionService(core, () => listPlugins(core, all));
  const all = [...served, introspection].filter((service) => !disabled.includes(serviceUri(service)));
  return all;
}
