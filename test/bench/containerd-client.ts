/** A warm client of containerd's API, for containerd and berth alike: what `ctr run --rm` asks for, without streams. */
import type { MessageShape } from '@bufbuild/protobuf';
import { Containers, type ContainerSchema } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { openGrpcClient, type GrpcClient } from '#/rpc/grpc-client.ts';
import { programs } from './peers.ts';
import { mustRun } from '../support/run-command.ts';

const options = { metadata: { 'containerd-namespace': 'default' } };

export interface ContainerdClient extends AsyncDisposable {
  /** Runs the model once more under another name, to its end, and takes everything away. */
  run(): Promise<void>;
}

type Container = MessageShape<typeof ContainerSchema>;

/** The model is made by ctr, so that runtime and spec are exactly those of `ctr run`. */
export async function openContainerdClient(
  address: string,
  image: string,
  args: readonly string[],
): Promise<ContainerdClient> {
  const id = 'bench-model';
  await mustRun(programs.ctr, ['--address', address, 'container', 'create', image, id, ...args]);
  const client = await openGrpcClient(address);
  const { container: model } = await client.unary(Containers.method.get, { id }, options);
  if (model === undefined) throw new Error(`Cannot read container "${id}" at "${address}"`);
  const { snapshotter, snapshotKey: key } = model;
  const { info } = await client.unary(Snapshots.method.stat, { snapshotter, key }, options);
  await client.unary(Containers.method.delete, { id }, options);
  await client.unary(Snapshots.method.remove, { snapshotter, key }, options);
  let count = 0;
  return {
    run: () => runOnce(client, asNamed(model, `bench-${process.pid}-${count++}`), info?.parent ?? ''),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The spec holds the id too, in the path of its cgroup. */
function asNamed(model: Container, id: string): Container {
  const spec = model.spec && {
    ...model.spec,
    value: Buffer.from(Buffer.from(model.spec.value).toString().replaceAll(model.id, id)),
  };
  return { ...model, id, snapshotKey: id, ...(spec === undefined ? {} : { spec }) };
}

async function runOnce(client: GrpcClient, container: Container, parent: string): Promise<void> {
  const { id, snapshotter, snapshotKey: key } = container;
  const task = { containerId: id };
  // The record first: it keeps the snapshot, which a collection would take otherwise.
  await client.unary(Containers.method.create, { container }, options);
  const { mounts } = await client.unary(Snapshots.method.prepare, { snapshotter, key, parent }, options);
  await client.unary(Tasks.method.create, { ...task, rootfs: mounts }, options);
  const waiting = client.unary(Tasks.method.wait, task, options);
  await client.unary(Tasks.method.start, task, options);
  const { exitStatus } = await waiting;
  if (exitStatus !== 0) throw new Error(`the container ended with ${exitStatus}`);
  await client.unary(Tasks.method.delete, task, options);
  // The snapshot first, as long as the record keeps it.
  await client.unary(Snapshots.method.remove, { snapshotter, key }, options);
  await client.unary(Containers.method.delete, { id }, options);
}
