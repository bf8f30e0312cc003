import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Labels, TypedValue } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { describeFailure } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { ExecTask, Exit, ProcessEntry, WriteCheckpoint } from '#/core/tasks/contract.ts';
import type { TaskStats } from '#/core/tasks/task-stats.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import type { TrackedProcess } from '#/core/tasks/tracked-process.ts';
import { anyOfValue, findAnyOfValue, findValueOfAny } from '#/rpc/any.ts';

/** For calls that only change or look at something; those that run the container's own programs have no limit. */
const callLimit = 60_000;

interface TaskCall<I extends DescMessage, O extends DescMessage> {
  /** "pause task", what stands before the name when it fails. */
  readonly tried: string;
  readonly method: DescMethodUnary<I, O>;
  readonly request: MessageInitShape<I>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Calls the shim. Its error keeps its kind and gets the sentence that says what was tried. */
export async function callShim<I extends DescMessage, O extends DescMessage>(
  task: RunningTask,
  { tried, method, request, timeoutMs, signal }: TaskCall<I, O>,
): Promise<MessageShape<O>> {
  const limits = { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) };
  try {
    return await task.shim.call(method, request, limits);
  } catch (error) {
    throw describeFailure(`Cannot ${tried} "${taskName(task.key)}"`, error);
  }
}

const quickly = <I extends DescMessage, O extends DescMessage>(
  task: RunningTask,
  call: TaskCall<I, O>,
): Promise<MessageShape<O>> => callShim(task, { ...call, timeoutMs: callLimit });

const processOf = (execId: string): string => (execId === '' ? 'task' : `process "${execId}" of task`);

export async function startProcess(
  task: RunningTask,
  execId: string,
  signal?: AbortSignal,
): Promise<{ readonly pid: number }> {
  const { id } = task.key;
  const request = { id, execId };
  try {
    const tried = `start ${processOf(execId)}`;
    const { pid } = await callShim(task, { tried, method: shimMethods.start, request, signal });
    const process = task.track(execId, pid);
    process.pid = pid;
    process.follow(task.shim, id);
    return { pid };
  } catch (error) {
    // A shim that was too slow for its caller may start it yet.
    if (signal?.aborted === true) task.track(execId).follow(task.shim, id);
    throw error;
  }
}

export async function addExec(task: RunningTask, { execId, process, stdio }: ExecTask): Promise<void> {
  checkIdentifier('an exec id', execId);
  await quickly(task, {
    tried: `add ${processOf(execId)}`,
    method: shimMethods.exec,
    request: { id: task.key.id, execId, ...stdio, spec: anyOfValue(process) },
  });
  task.track(execId);
}

export async function deleteExec(task: RunningTask, execId: string): Promise<Exit> {
  checkIdentifier('an exec id', execId);
  const { pid, exitStatus, exitedAt } = await quickly(task, {
    tried: `delete ${processOf(execId)}`,
    method: shimMethods.delete,
    request: { id: task.key.id, execId },
  });
  const exit = { pid, exitStatus, exitedAt: timeOf(exitedAt) };
  task.find(execId)?.finish(exit);
  task.forget(execId);
  return exit;
}

export interface Kill {
  readonly execId: string;
  readonly signal: number;
  readonly all: boolean;
}

export async function killProcess(task: RunningTask, { execId, signal, all }: Kill): Promise<void> {
  await quickly(task, {
    tried: `kill ${processOf(execId)}`,
    method: shimMethods.kill,
    request: { id: task.key.id, execId, signal, all },
  });
}

export async function resizeTerminal(
  task: RunningTask,
  execId: string,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<void> {
  await quickly(task, {
    tried: `resize the terminal of ${processOf(execId)}`,
    method: shimMethods.resizePty,
    request: { id: task.key.id, execId, width, height },
  });
}

export async function closeStdin(task: RunningTask, execId: string): Promise<void> {
  await quickly(task, {
    tried: `close the stdin of ${processOf(execId)}`,
    method: shimMethods.closeIO,
    request: { id: task.key.id, execId, stdin: true },
  });
}

export async function pauseTask(task: RunningTask): Promise<void> {
  await quickly(task, { tried: 'pause task', method: shimMethods.pause, request: { id: task.key.id } });
}

export async function resumeTask(task: RunningTask): Promise<void> {
  await quickly(task, { tried: 'resume task', method: shimMethods.resume, request: { id: task.key.id } });
}

export async function checkpointTask(task: RunningTask, { path, options, signal }: WriteCheckpoint): Promise<void> {
  const packed = findAnyOfValue(options);
  const request = { id: task.key.id, path, ...(packed === undefined ? {} : { options: packed }) };
  await callShim(task, { tried: 'checkpoint task', method: shimMethods.checkpoint, request, signal });
}

export async function listPids(task: RunningTask): Promise<ProcessEntry[]> {
  const request = { id: task.key.id };
  const { processes } = await quickly(task, { tried: 'list the processes of task', method: shimMethods.pids, request });
  return processes.map(({ pid, info }) => {
    const value = findValueOfAny(info);
    return value === undefined ? { pid } : { pid, info: value };
  });
}

export async function readStats(task: RunningTask, timeoutMs: number): Promise<TaskStats> {
  const { id } = task.key;
  const call = { tried: 'measure task', method: shimMethods.stats, request: { id }, timeoutMs };
  const { stats } = await callShim(task, call);
  const data = findValueOfAny(stats);
  return { timestamp: now(), id, ...(data === undefined ? {} : { data }) };
}

export async function updateTask(task: RunningTask, resources: TypedValue, annotations: Labels): Promise<void> {
  const request = { id: task.key.id, resources: anyOfValue(resources), annotations: { ...annotations } };
  await quickly(task, { tried: 'update task', method: shimMethods.update, request });
}

/** The process as we follow it; one that only the shim knows, from before our time, is looked up there first. */
export async function findTracked(task: RunningTask, execId: string): Promise<TrackedProcess> {
  const known = task.find(execId);
  if (known !== undefined) return known;
  const { id } = task.key;
  const request = { id, execId };
  const { pid } = await quickly(task, { tried: `find ${processOf(execId)}`, method: shimMethods.state, request });
  const process = task.track(execId, pid);
  if (pid !== 0) process.follow(task.shim, id);
  return process;
}
