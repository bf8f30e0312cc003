import { kindOf, messageOf } from '#/base/errors.ts';
import { taskName, type TasksContext } from '#/core/tasks/context.ts';
import type { ProcessState, ProcessStatus } from '#/core/tasks/contract.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { callShim } from '#/core/tasks/task-calls.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';

const statuses: Readonly<Record<Status, ProcessStatus>> = {
  [Status.UNKNOWN]: 'unknown',
  [Status.CREATED]: 'created',
  [Status.RUNNING]: 'running',
  [Status.STOPPED]: 'stopped',
  [Status.PAUSED]: 'paused',
  [Status.PAUSING]: 'pausing',
};

type StateReader = Pick<TasksContext, 'logger' | 'limits'>;

/**
 * Asks the shim what a process is at. A shim that says the process is unknown, or that does not answer in time, is an
 * error; one that fails otherwise gives the status `unknown`.
 */
export async function readState(
  task: RunningTask,
  execId: string,
  { logger, limits }: StateReader,
): Promise<ProcessState> {
  const { id } = task.key;
  try {
    const request = { id, execId };
    const tried = 'read the state of task';
    const state = await callShim(task, { tried, method: shimMethods.state, request, timeoutMs: limits.state });
    const { pid, terminal, stdin, stdout, stderr, exitStatus, bundle } = state;
    const status = statuses[state.status] ?? 'unknown';
    const exitedAt = timeOf(state.exitedAt);
    return { id, execId, pid, status, stdio: { terminal, stdin, stdout, stderr }, exitStatus, exitedAt, bundle };
  } catch (error) {
    if (['not-found', 'unavailable', 'deadline-exceeded'].includes(kindOf(error))) throw error;
    logger.warn('a shim cannot tell the state of a task', { task: taskName(task.key), error: messageOf(error) });
    const stdio = { terminal: false, stdin: '', stdout: '', stderr: '' };
    const pid = task.find(execId)?.pid ?? 0;
    return { id, execId, pid, status: 'unknown', stdio, exitStatus: 0, exitedAt: 0n, bundle: task.bundle.path };
  }
}
