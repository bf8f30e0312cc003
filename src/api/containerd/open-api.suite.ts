/** A containerd API over a real core in a directory of its own, with a client: for this folder's tests. */
import { mkdir, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { openShimEvents } from '#/api/containerd/open-shim-events.ts';
import { openContainerdApi } from '#/api/containerd/open-containerd-api.ts';
import { silentLogger } from '#/base/log.ts';
import { openContent } from '#/core/content/open-content.ts';
import { createEvents } from '#/core/events/create-events.ts';
import { openGarbage } from '#/core/garbage/open-garbage.ts';
import { openImages } from '#/core/images/open-images.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { openMounts } from '#/core/mounts/open-mounts.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { Registry } from '#/core/registry/contract.ts';
import { openNative } from '#/core/snapshots/native.ts';
import { openOverlay } from '#/core/snapshots/overlay.ts';
import type { GrpcClient } from '#/rpc/grpc-client.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import type { GrpcCallOptions } from '#/rpc/grpc-client-call.ts';

export interface ApiRig extends AsyncDisposable {
  readonly core: ContainerdCore;
  readonly client: GrpcClient;
  readonly address: string;
}

/** Metadata of calls in a namespace, with a lease if one is named. */
export const inNamespace = (namespace: string, lease?: string): GrpcCallOptions => ({
  metadata: { 'containerd-namespace': namespace, ...(lease === undefined ? {} : { 'containerd-lease': lease }) },
});

/** A part that a test does not use; touching it fails the test. */
function absent<T extends object>(name: string): T {
  return new Proxy({} as T, {
    get(_target, property) {
      throw new Error(`this test has no ${name}, but something asked for its ${String(property)}`);
    },
  });
}

export async function openApi(
  parts: Partial<ContainerdCore> = {},
  registry: Registry = absent('registry'),
): Promise<ApiRig> {
  await using undo = new AsyncDisposableStack();
  const dir = undo.use(await mkdtempDisposable(join(tmpdir(), 'api-')));
  const temporary = join(dir.path, 'tmp');
  await mkdir(temporary);
  const metadata = undo.use(await openMetadata({ path: join(dir.path, 'meta.db') }));
  const events = createEvents();
  const content = await openContent({ root: join(dir.path, 'content'), metadata });
  const snapshotters = new Map([
    ['native', undo.use(await openNative({ root: join(dir.path, 'native'), metadata }))],
    ['overlayfs', undo.use(await openOverlay({ root: join(dir.path, 'overlayfs'), metadata }))],
  ]);
  const layers = undo.use(await openLayers({ temporaryDirectory: join(dir.path, 'mounts') }));
  const garbage = undo.use(openGarbage({ metadata, content, snapshotters, events, byItself: false }));
  const core: ContainerdCore = {
    metadata,
    events,
    content,
    snapshotters,
    snapshotter: 'overlayfs',
    layers,
    garbage,
    images: openImages({ metadata, content, snapshotters, layers, registry, events, garbage }),
    mounts: undo.use(await openMounts({ root: dir.path, state: join(dir.path, 'state'), metadata })),
    tasks: absent('tasks'),
    identity: { version: 'v2.0.0-test', revision: 'abc', uuid: '11111111-2222-3333-4444-555555555555' },
    optDirectory: join(dir.path, 'opt'),
    logger: silentLogger,
    temporary,
    ...parts,
  };
  const address = join(dir.path, 'berth.sock');
  const shimEvents = undo.use(await openShimEvents({ listen: [{ path: `${address}.ttrpc` }], logger: silentLogger }));
  shimEvents.deliverTo(core.tasks);
  undo.use(await openContainerdApi({ core, listen: [{ path: address }] }));
  const client = undo.use(await openGrpcClient(address));
  const lifetime = undo.move();
  return { core, client, address, [Symbol.asyncDispose]: () => lifetime.disposeAsync() };
}
