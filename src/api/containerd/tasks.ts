import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { checkpointOf, checkpointTask } from '#/api/containerd/checkpoints.ts';
import { targetedMountsOf } from '#/api/containerd/descriptors.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import { namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import type { TypedValue } from '#/base/any.ts';
import { messageOf } from '#/base/errors.ts';
import type { CreateTask, ProcessKey, ProcessState, ProcessStatus, Stdio } from '#/core/tasks/contract.ts';
import type { TaskStats } from '#/core/tasks/task-stats.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import type { CreateTaskRequest } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { MetricSchema } from '#/gen/containerd/types/metrics_pb.ts';
import type { ProcessSchema } from '#/gen/containerd/types/task/task_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import { anyOfValue, findAnyOfValue, findValueOfAny, holdsMessage, unpackMessage, valueOfAny } from '#/rpc/any.ts';
import type { BoundService, CallContext, ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

type Functions = Partial<ServiceFunctions<typeof Tasks>>;

/** Running containers. */
export function tasksService(core: ContainerdCore): BoundService {
  return bindService(Tasks, { ...lifecycle(core), ...steering(core), ...looking(core) });
}

function lifecycle(core: ContainerdCore): Functions {
  const { tasks } = core;
  return {
    async create(request, context) {
      const namespace = namespaceOf(context);
      const checkpoint = checkpointOf(core, namespace, request);
      const { signal } = context;
      const task = { ...taskOf(request), ...optional('checkpoint', checkpoint), signal };
      const { pid } = await tasks.create(namespace, request.containerId, task);
      return { containerId: request.containerId, pid };
    },
    start: async (request, context) => tasks.start(keyOf(request, context), context.signal),
    async delete({ containerId }, context) {
      const exit = await tasks.delete(namespaceOf(context), containerId, context.signal);
      return { pid: exit.pid, exitStatus: exit.exitStatus, exitedAt: timestampOf(exit.exitedAt) };
    },
    async deleteProcess({ containerId, execId }, context) {
      const exit = await tasks.deleteExec(namespaceOf(context), containerId, execId);
      return { id: execId, pid: exit.pid, exitStatus: exit.exitStatus, exitedAt: timestampOf(exit.exitedAt) };
    },
    async exec(request, context) {
      const namespace = namespaceOf(context);
      await tasks.exec(namespace, request.containerId, {
        execId: checkIdentifier('an exec id', request.execId),
        process: valueOfAny(required('process spec', request.spec)),
        stdio: stdioOf(request),
      });
      return {};
    },
    checkpoint: async (request, context) => await checkpointTask(core, request, context),
    async wait(request, context) {
      const exit = await tasks.wait(keyOf(request, context), context.signal);
      return { exitStatus: exit.exitStatus, exitedAt: timestampOf(exit.exitedAt) };
    },
  };
}

function steering({ tasks }: ContainerdCore): Functions {
  return {
    async kill(request, context) {
      await tasks.kill(keyOf(request, context), request.signal, { all: request.all });
      return {};
    },
    async resizePty(request, context) {
      await tasks.resize(keyOf(request, context), { width: request.width, height: request.height });
      return {};
    },
    async closeIO(request, context) {
      const process = keyOf(request, context);
      if (request.stdin) await tasks.closeStdin(process);
      return {};
    },
    async pause({ containerId }, context) {
      await tasks.pause(namespaceOf(context), containerId);
      return {};
    },
    async resume({ containerId }, context) {
      await tasks.resume(namespaceOf(context), containerId);
      return {};
    },
    async update({ containerId, resources, annotations }, context) {
      const namespace = namespaceOf(context);
      await tasks.update(namespace, containerId, valueOfAny(required('resources', resources)), annotations);
      return {};
    },
  };
}

function looking({ tasks, logger }: ContainerdCore): Functions {
  return {
    get: async (request, context) => ({ process: wireProcess(await tasks.state(keyOf(request, context))) }),
    list: async (_request, context) => ({ tasks: (await tasks.list(namespaceOf(context))).map(wireProcess) }),
    async listPids({ containerId }, context) {
      const entries = await tasks.pids(namespaceOf(context), containerId);
      return { processes: entries.map(({ pid, info }) => ({ pid, ...optional('info', findAnyOfValue(info)) })) };
    },
    async metrics({ filters }, context) {
      const namespace = namespaceOf(context);
      const found = selectRecords(await tasks.list(namespace), filters, ({ id }) => ({ id, namespace }));
      const stats = await Promise.all(
        found.map(({ id }) =>
          tasks.stats(namespace, id).catch((error: unknown) => {
            logger.debug('left a task out of the metrics', { namespace, id, error: messageOf(error) });
            return undefined;
          }),
        ),
      );
      return { metrics: stats.filter((sample) => sample !== undefined).map(wireMetric) };
    },
  };
}

function keyOf(request: { readonly containerId: string; readonly execId: string }, context: CallContext): ProcessKey {
  return { namespace: namespaceOf(context), id: request.containerId, execId: request.execId };
}

function taskOf(request: CreateTaskRequest): CreateTask {
  // An Any without a value says nothing, so the container's own options stay.
  const options = request.options?.value.length === 0 ? undefined : findValueOfAny(request.options);
  const taskApi = taskApiOf(request, options);
  return {
    rootfs: targetedMountsOf(request.rootfs),
    stdio: stdioOf(request),
    ...optional('options', options),
    ...(taskApi === undefined ? {} : { taskApi }),
    ...(request.runtimePath === '' ? {} : { runtimePath: request.runtimePath }),
  };
}

/** Where tasks are served already. Clients from before the request's own fields say it in the runtime's options. */
function taskApiOf(request: CreateTaskRequest, options: TypedValue | undefined): CreateTask['taskApi'] {
  if (request.taskApiAddress !== '') return { address: request.taskApiAddress, version: request.taskApiVersion };
  if (options === undefined || !holdsMessage(options, OptionsSchema)) return undefined;
  const { taskApiAddress, taskApiVersion } = unpackMessage(OptionsSchema, options);
  return taskApiAddress === '' ? undefined : { address: taskApiAddress, version: taskApiVersion };
}

/** A terminal has one output; clients name a stderr for it all the same, and no shim opens it. */
function stdioOf({ terminal, stdin, stdout, stderr }: Stdio): Stdio {
  return { terminal, stdin, stdout, stderr: terminal ? '' : stderr };
}

const optional = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });

const statuses: Readonly<Record<ProcessStatus, Status>> = {
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
  unknown: Status.UNKNOWN,
};

function wireProcess(state: ProcessState): MessageInitShape<typeof ProcessSchema> {
  return {
    id: state.execId === '' ? state.id : state.execId,
    pid: state.pid,
    status: statuses[state.status],
    ...state.stdio,
    exitStatus: state.exitStatus,
    exitedAt: timestampOf(state.exitedAt),
  };
}

function wireMetric({ timestamp, id, data }: TaskStats): MessageInitShape<typeof MetricSchema> {
  return { timestamp: timestampOf(timestamp), id, ...(data === undefined ? {} : { data: anyOfValue(data) }) };
}
