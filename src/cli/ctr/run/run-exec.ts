import { isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { endProcess, type ProcessName } from '#/client/containerd/end-process.ts';
import { makeFifos, openStreams, type StreamPaths } from '#/client/containerd/process-io.ts';
import { carryProcess, superviseProcess } from '#/cli/ctr/run/follow-process.ts';
import type { TaskIo } from '#/cli/ctr/run/task-io.ts';
import type { Output } from '#/cli/output.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { processTypeUrl, type SpecProcess } from '#/oci/runtime-spec.ts';
import { findAnyOfValue, packJson } from '#/rpc/any.ts';

export interface ExecWish {
  readonly client: ContainerdClient;
  readonly name: ProcessName;
  readonly spec: SpecProcess;
  readonly io: TaskIo;
  readonly out: Output;
  readonly err: Output;
}

/** Starts another process in a running container and leaves it. */
export async function startExec(wish: ExecWish): Promise<void> {
  const { client, name, io } = wish;
  const paths = io.kind === 'paths' ? io.paths : await makeFifos({ ...io, name: name.execId });
  await addProcess(wish, paths);
  await client.call(Tasks.method.start, name);
}

/** Runs it here until it ends; its exit code. It is deleted afterwards, whatever happens. */
export async function runExec(wish: ExecWish): Promise<number> {
  const { client, name, io } = wish;
  await using streams = io.kind === 'streams' ? await openStreams({ ...io, name: name.execId }) : undefined;
  await addProcess(wish, streams?.paths ?? (io.kind === 'paths' ? io.paths : neverPaths));
  try {
    const waiting = client.call(Tasks.method.wait, name);
    waiting.catch(() => {});
    await client.call(Tasks.method.start, name);
    using carrying = streams === undefined ? undefined : carryProcess(wish, streams);
    using supervision = superviseProcess(wish, wish.spec.terminal ?? false);
    void supervision;
    const { exitStatus } = await waiting;
    await carrying?.output;
    return exitStatus;
  } catch (error) {
    await endProcess(client, name).catch(() => {});
    throw error;
  } finally {
    await client.call(Tasks.method.deleteProcess, name).catch((error: unknown) => {
      if (!isKind(error, 'not-found')) throw error;
    });
  }
}

const neverPaths: StreamPaths = { stdin: '', stdout: '', stderr: '', terminal: false };

async function addProcess({ client, name, spec }: ExecWish, paths: StreamPaths): Promise<void> {
  const value = findAnyOfValue(packJson(processTypeUrl, spec));
  await client.call(Tasks.method.exec, { ...name, ...paths, ...(value === undefined ? {} : { spec: value }) });
}
