/**
 * Sandboxes that a shim runs: what several containers share. The shim of a sandbox serves the tasks of its containers
 * too, outlives the daemon, and is adopted again at its start.
 */
import type { Labels, TypedValue } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import type { SandboxRecord } from '#/core/metadata/contract.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import type { TaskStats } from '#/core/tasks/task-stats.ts';

export interface CreateSandbox {
  readonly record: Pick<SandboxRecord, 'runtime' | 'spec'>;
  readonly rootfs: readonly Mount[];
  readonly options?: TypedValue;
  readonly netnsPath: string;
  readonly annotations: Labels;
}

export interface StartedSandbox {
  readonly pid: number;
  readonly createdAt: Nanoseconds;
}

export interface SandboxExit {
  readonly exitStatus: number;
  readonly exitedAt: Nanoseconds;
}

export interface SandboxStatus {
  readonly pid: number;
  readonly state: string;
  readonly info: Labels;
  readonly createdAt: Nanoseconds;
  readonly exitedAt: Nanoseconds;
  readonly extra?: TypedValue;
}

export interface Sandboxes {
  /** `already-exists` while one runs under this id; a failed create leaves nothing. */
  create(namespace: string, id: string, sandbox: CreateSandbox): Promise<void>;
  /** One that does not start is taken down again. */
  start(namespace: string, id: string): Promise<StartedSandbox>;
  /** Of one that is gone there is nothing to stop. */
  stop(namespace: string, id: string, timeoutSeconds: number): Promise<void>;
  /** Resolves at exit; 255 when its shim went away. Rejects `unavailable` when the daemon stops first. */
  wait(namespace: string, id: string, signal: AbortSignal): Promise<SandboxExit>;
  /** Undefined for one that does not run. */
  status(namespace: string, id: string, verbose: boolean): Promise<SandboxStatus | undefined>;
  metrics(namespace: string, id: string): Promise<TaskStats>;
  /** Ends the shim and removes all files. */
  shutdown(namespace: string, id: string): Promise<void>;
}
