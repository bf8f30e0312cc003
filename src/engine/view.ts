import { formatTime } from '#/base/clock.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import type { ProcessState } from '#/core/tasks/contract.ts';
import type { RuntimeSpec } from '#/oci/runtime-spec.ts';
import { findEngineContainer, type ContainerState } from '#/engine/container-record.ts';
import type { EngineContext } from '#/engine/context.ts';
import type { Config, HostConfig } from '#/engine/docker-config.ts';

export type ShownStatus = 'created' | 'running' | 'paused' | 'exited';

/** A container as people see it, whoever made it. */
export interface ContainerView {
  readonly core: ContainerRecord;
  /** False for one that another client made: berth owns neither its streams nor its log. */
  readonly ours: boolean;
  readonly name: string;
  readonly imageId: string;
  readonly config: Partial<Config>;
  readonly hostConfig: Partial<HostConfig>;
  readonly args: readonly string[];
  readonly restartCount: number;
  readonly status: ShownStatus;
  readonly pid: number;
  readonly exitCode: number;
  readonly error: string;
  readonly oomKilled: boolean;
  /** RFC 3339; the year 1 for never. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

export const never = '0001-01-01T00:00:00Z';

export async function viewContainer(
  context: EngineContext,
  namespace: string,
  core: ContainerRecord,
): Promise<ContainerView> {
  const container = findEngineContainer(namespace, core);
  if (container === undefined) return foreignView(core, await taskOf(context, namespace, core.id));
  const { record } = container;
  return {
    core,
    ours: true,
    name: record.name,
    imageId: record.imageId,
    config: record.config,
    hostConfig: record.hostConfig,
    args: record.args,
    restartCount: record.restartCount,
    ...shownState(container.state),
  };
}

type Shown = Pick<ContainerView, 'status' | 'pid' | 'exitCode' | 'error' | 'oomKilled' | 'startedAt' | 'finishedAt'>;

const nothing: Omit<Shown, 'status'> = {
  pid: 0,
  exitCode: 0,
  error: '',
  oomKilled: false,
  startedAt: never,
  finishedAt: never,
};

function shownState(state: ContainerState): Shown {
  switch (state.kind) {
    case 'creating':
      return { ...nothing, status: 'created' };
    case 'created':
      return { ...nothing, status: 'created', exitCode: state.exitCode, error: state.error };
    case 'running':
      return { ...nothing, status: state.paused ? 'paused' : 'running', pid: state.pid, startedAt: state.startedAt };
    case 'exited': {
      const { exitCode, error, oomKilled, startedAt, finishedAt } = state;
      return { status: 'exited', pid: 0, exitCode, error, oomKilled, startedAt, finishedAt };
    }
  }
}

async function taskOf(context: EngineContext, namespace: string, id: string): Promise<ProcessState | undefined> {
  if (!context.tasks.has(namespace, id)) return undefined;
  return context.tasks.state({ namespace, id, execId: '' }).catch(() => undefined);
}

const shownTask: Readonly<Record<ProcessState['status'], ShownStatus>> = {
  created: 'created',
  running: 'running',
  stopped: 'exited',
  paused: 'paused',
  pausing: 'paused',
  unknown: 'running',
};

function foreignView(core: ContainerRecord, task: ProcessState | undefined): ContainerView {
  const spec = readSpec(core);
  const args = spec?.process?.args ?? [];
  return {
    core,
    ours: false,
    name: core.labels['nerdctl/name'] ?? core.id,
    imageId: '',
    config: {
      Image: core.image,
      Labels: core.labels,
      Cmd: args,
      Env: spec?.process?.env ?? [],
      Tty: spec?.process?.terminal ?? false,
    },
    hostConfig: {},
    args,
    restartCount: 0,
    ...nothing,
    status: task === undefined ? 'created' : shownTask[task.status],
    pid: task?.pid ?? 0,
    exitCode: task?.exitStatus ?? 0,
    startedAt: task === undefined ? never : formatTime(core.createdAt),
    finishedAt: task === undefined || task.exitedAt === 0n ? never : formatTime(task.exitedAt),
  };
}

/** Another client's spec need not be whole, or JSON at all. */
function readSpec(core: ContainerRecord): Partial<RuntimeSpec> | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(core.spec.value)) as Partial<RuntimeSpec>;
  } catch {
    return undefined;
  }
}
