/**
 * Tasks: containers that run. Every runtime is reached through a shim, over containerd's runtime-v2 protocol; shims
 * outlive the daemon and are adopted again at its start.
 *
 * The stdio of a task belongs to whoever created it: the three strings go to the shim as they are.
 */
import type { Labels, TypedValue } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import type { TaskStats } from '#/core/tasks/task-stats.ts';
import type { Sandboxes } from '#/core/tasks/sandbox-contract.ts';

/** '' is no stream. FIFO paths, or the shim's own schemes (`file://`, `binary://`, `berth://`). */
export interface Stdio {
  readonly terminal: boolean;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Who holds the streams that people look at: the shim, or a program of ours beside it. */
export type StreamHolder = 'shim' | 'program';

export interface CreateTask {
  readonly rootfs: readonly Mount[];
  readonly stdio: Stdio;
  /** Runtime options; when absent the container record's own are used. */
  readonly options?: TypedValue;
  readonly runtimePath?: string;
  /** Where tasks are served, when no shim is to be started: `ttrpc+unix:///PATH`. */
  readonly taskApi?: { readonly address: string; readonly version: number };
  readonly checkpoint?: Checkpoint;
  /** Gives up, and undoes what is there by then. */
  readonly signal?: AbortSignal;
}

/** What a task goes on from: a directory of a client's, or what fills one that lives as long as the task. */
export type Checkpoint = { readonly path: string } | { readonly fill: (directory: string) => Promise<void> };

export interface WriteCheckpoint {
  readonly path: string;
  readonly options?: TypedValue;
  readonly signal?: AbortSignal;
}

export interface ExecTask {
  readonly execId: string;
  /** A runtime-spec Process as JSON, with its type URL. */
  readonly process: TypedValue;
  readonly stdio: Stdio;
}

export type ProcessStatus = 'created' | 'running' | 'stopped' | 'paused' | 'pausing' | 'unknown';

export interface ProcessState {
  readonly id: string;
  readonly execId: string;
  readonly pid: number;
  readonly status: ProcessStatus;
  readonly stdio: Stdio;
  readonly exitStatus: number;
  /** 0 while it runs. */
  readonly exitedAt: Nanoseconds;
  readonly bundle: string;
}

export interface Exit {
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt: Nanoseconds;
}

export interface ProcessEntry {
  readonly pid: number;
  readonly info?: TypedValue;
}

/** A process of a task: the container's first one when `execId` is ''. */
export interface ProcessKey {
  readonly namespace: string;
  readonly id: string;
  readonly execId: string;
}

export interface Tasks extends AsyncDisposable {
  /** Needs the container record. `already-exists` while a task is there; a failed create leaves nothing. */
  create(namespace: string, id: string, task: CreateTask): Promise<{ readonly pid: number }>;
  /** A start that is given up may still happen. */
  start(process: ProcessKey, signal?: AbortSignal): Promise<{ readonly pid: number }>;
  /** Registers a process; `start` runs it. */
  exec(namespace: string, id: string, exec: ExecTask): Promise<void>;
  /** `not-found` when the process is gone. */
  kill(process: ProcessKey, signal: number, options?: { readonly all?: boolean }): Promise<void>;
  /** Resolves at exit, at once for a stopped process. Rejects `unavailable` when the daemon stops first. */
  wait(process: ProcessKey, signal?: AbortSignal): Promise<Exit>;
  state(process: ProcessKey): Promise<ProcessState>;
  /** First processes of all tasks of a namespace; those that do not answer are left out. */
  list(namespace: string): Promise<ProcessState[]>;
  has(namespace: string, id: string): boolean;
  /** Of a task that is there, or will be. */
  streamHolder(namespace: string, id: string): Promise<StreamHolder>;
  resize(process: ProcessKey, size: { readonly width: number; readonly height: number }): Promise<void>;
  closeStdin(process: ProcessKey): Promise<void>;
  pause(namespace: string, id: string): Promise<void>;
  resume(namespace: string, id: string): Promise<void>;
  pids(namespace: string, id: string): Promise<ProcessEntry[]>;
  stats(namespace: string, id: string): Promise<TaskStats>;
  update(namespace: string, id: string, resources: TypedValue, annotations: Labels): Promise<void>;
  /** Has the runtime write the state of the task's processes below `path`. It goes on running unless options say so. */
  checkpoint(namespace: string, id: string, wish: WriteCheckpoint): Promise<void>;
  /** `failed-precondition` while it runs. */
  delete(namespace: string, id: string, signal?: AbortSignal): Promise<Exit>;
  deleteExec(namespace: string, id: string, execId: string): Promise<Exit>;
  /** What runs containers together; the controller `shim` of containerd's API. */
  readonly sandboxes: Sandboxes;
  /** `not-found` with what is missing when there is no program for a runtime's name. */
  checkRuntime(runtime: string): Promise<void>;
  /** What a runtime's shim says of itself (`containerd.types.RuntimeInfo`), asked with these options. */
  runtimeInfo(runtime: string, options?: TypedValue): Promise<TypedValue>;
  /** An event from a shim; published once what it tells of is recorded. */
  forward(envelope: {
    readonly timestamp: Nanoseconds;
    readonly namespace: string;
    readonly topic: string;
    readonly event: TypedValue;
  }): void;
  /** Ids of all tasks that were found alive or stopped at start, by namespace. */
  adopted(): readonly { readonly namespace: string; readonly id: string }[];
  /** How a task ended that was found without its shim at start; undefined where nobody knows. */
  findLost(namespace: string, id: string): Exit | undefined;
  /** All such ends are on record: what is left of their tasks goes. */
  releaseLost(): Promise<void>;
  /** When a shim goes away, what is left of its task goes after `record` has resolved: then the end is on record. */
  recordLossesBy(record: (task: { readonly namespace: string; readonly id: string }) => Promise<void>): void;
}
