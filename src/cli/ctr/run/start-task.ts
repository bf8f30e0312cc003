/** A task of a container: made, started, and followed to its end or left to run. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { writeFileAtomic } from '#/base/atomic-file.ts';
import { EngineError, isKind } from '#/base/errors.ts';
import type { TypedValue } from '#/base/any.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { endProcess } from '#/client/containerd/end-process.ts';
import {
  attachStreams,
  makeFifos,
  openStreams,
  removeFifos,
  type ProcessStreams,
  type StreamPaths,
} from '#/client/containerd/process-io.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import type { Output } from '#/cli/output.ts';
import { carryProcess, superviseProcess } from '#/cli/ctr/run/follow-process.ts';
import type { TaskNetwork } from '#/cli/ctr/run/cni-network.ts';
import type { TaskIo } from '#/cli/ctr/run/task-io.ts';
import { OptionsSchema as RuncOptions } from '#/gen/containerd/runc/v1/options_pb.ts';
import type { Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { DescriptorSchema } from '#/gen/containerd/types/descriptor_pb.ts';
import type { RuntimeSpec } from '#/oci/runtime-spec.ts';
import { findAnyOfValue, packMessage, unpackJson, valueOfAny } from '#/rpc/any.ts';

export interface TaskWish {
  readonly client: ContainerdClient;
  readonly container: Container;
  readonly io: TaskIo;
  readonly noPivot: boolean;
  readonly pidFile: string | undefined;
  /** A saved state to go on from. */
  readonly checkpoint?: MessageInitShape<typeof DescriptorSchema>;
  readonly network?: TaskNetwork | undefined;
  readonly out: Output;
  readonly err: Output;
}

/** Throws `data-loss` for a record that has none. */
export function specOf({ id, spec }: Container): RuntimeSpec {
  if (spec === undefined) throw new EngineError('data-loss', `Cannot run container "${id}": its record has no spec`);
  return unpackJson(valueOfAny(spec)) as RuntimeSpec;
}

/** Starts it and comes back; what its output goes to is the wish's. */
export async function startDetached(wish: TaskWish): Promise<void> {
  const { client, container } = wish;
  const paths = await lastingPaths(wish);
  // The shim wants somebody at the other end while it begins.
  await using held = wish.io.kind === 'streams' ? await attachStreams(paths, async () => {}) : undefined;
  void held;
  try {
    const pid = await createTask(wish, paths);
    await wish.network?.add(pid);
    await client.call(Tasks.method.start, { containerId: container.id });
  } catch (error) {
    await removeTask(client, container.id);
    await removeFifos(paths);
    throw error;
  }
}

/** FIFOs outlive us: `tasks attach` opens them. */
async function lastingPaths({ io, container }: TaskWish): Promise<StreamPaths> {
  if (io.kind === 'paths') return io.paths;
  return await makeFifos({ directory: io.directory, name: container.id, terminal: io.terminal });
}

/** Runs it here until it ends; its exit code. The task is gone afterwards, whatever happens. */
export async function runTask(wish: TaskWish): Promise<number> {
  const { client, container, io } = wish;
  const containerId = container.id;
  if (io.kind === 'paths') return await runWithout(wish, io.paths);
  await using streams = await openStreams({ directory: io.directory, name: containerId, terminal: io.terminal });
  const pid = await createTask(wish, streams.paths);
  try {
    await wish.network?.add(pid);
    const code = await follow(wish, streams);
    await wish.network?.remove(pid);
    await client.call(Tasks.method.delete, { containerId });
    return code;
  } catch (error) {
    await wish.network?.remove(pid).catch(() => {});
    await removeTask(client, containerId);
    throw error;
  }
}

async function follow({ client, container, out, err }: TaskWish, streams: ProcessStreams): Promise<number> {
  const process = { client, name: { containerId: container.id, execId: '' }, out, err };
  using carrying = carryProcess(process, streams);
  const waiting = client.call(Tasks.method.wait, process.name);
  waiting.catch(() => {});
  await client.call(Tasks.method.start, process.name);
  using supervision = superviseProcess(process, streams.paths.terminal);
  void supervision;
  const { exitStatus } = await waiting;
  await carrying.output;
  return exitStatus;
}

/** Without streams of ours there is only its end to wait for. */
async function runWithout(wish: TaskWish, paths: StreamPaths): Promise<number> {
  const { client, container } = wish;
  const name = { containerId: container.id, execId: '' };
  const pid = await createTask(wish, paths);
  try {
    await wish.network?.add(pid);
    const waiting = client.call(Tasks.method.wait, name);
    waiting.catch(() => {});
    await client.call(Tasks.method.start, name);
    using supervision = superviseProcess({ client, name, out: wish.out, err: wish.err }, false);
    void supervision;
    const { exitStatus } = await waiting;
    await wish.network?.remove(pid);
    await client.call(Tasks.method.delete, { containerId: container.id });
    return exitStatus;
  } catch (error) {
    await wish.network?.remove(pid).catch(() => {});
    await removeTask(client, container.id);
    throw error;
  }
}

/** The pid of its first process, which waits to be started. */
async function createTask(wish: TaskWish, paths: StreamPaths): Promise<number> {
  const { client, container, checkpoint, pidFile } = wish;
  const rootfs = container.snapshotKey === '' ? [] : await mountsOf(client, container);
  const options = findAnyOfValue(taskOptions(wish));
  const { pid } = await client.call(Tasks.method.create, {
    containerId: container.id,
    rootfs,
    ...paths,
    ...(options === undefined ? {} : { options }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
  if (pidFile !== undefined) await writeFileAtomic(pidFile, String(pid));
  return pid;
}

async function mountsOf(client: ContainerdClient, { snapshotter, snapshotKey }: Container): Promise<Mounts> {
  return [...(await (await openSnapshotter(client, snapshotter)).mounts(snapshotKey))];
}

type Mounts = Awaited<ReturnType<Awaited<ReturnType<typeof openSnapshotter>>['mounts']>>[number][];

/** Only what differs from the container's own options, since these take their place. */
function taskOptions({ container, noPivot }: TaskWish): TypedValue | undefined {
  const { uidMappings = [], gidMappings = [] } = specOf(container).linux ?? {};
  const ioUid = uidMappings[0]?.hostID ?? 0;
  const ioGid = gidMappings[0]?.hostID ?? 0;
  if (!noPivot && ioUid === 0 && ioGid === 0) return undefined;
  return packMessage(RuncOptions, { noPivotRoot: noPivot, ioUid, ioGid });
}

/** After a failure: kills what may run, and deletes the task. */
async function removeTask(client: ContainerdClient, containerId: string): Promise<void> {
  await endProcess(client, { containerId, execId: '' }).catch(() => {});
  await client.call(Tasks.method.delete, { containerId }).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
}
