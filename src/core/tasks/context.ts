import type { Logger } from '#/base/log.ts';
import type { Events } from '#/core/events/contract.ts';
import type { Mounts } from '#/core/mounts/contract.ts';
import type { Metadata } from '#/core/metadata/contract.ts';

/** How shims are run, and how they reach the daemon. */
export interface ShimAddresses {
  /** The daemon's gRPC socket. */
  readonly socketAddress: string;
  /** Where shims send their events. */
  readonly ttrpcAddress: string;
  /** A program that publishes an event from its standard input, for shims that cannot do it themselves. */
  readonly publishBinary: string;
  /** Where shims that came with the daemon are. */
  readonly directories: readonly string[];
  /** Variables for shims besides the daemon's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How long a shim may take, in milliseconds. */
export interface ShimLimits {
  /** To be found again after a restart of the daemon. */
  readonly load: number;
  /** To clean up what a dead one left. */
  readonly cleanup: number;
  readonly shutdown: number;
  /** To tell the state of a process. */
  readonly state: number;
  /** To tell what a container uses. */
  readonly stats: number;
}

export const usualLimits: ShimLimits = { load: 5000, cleanup: 5000, shutdown: 3000, state: 2000, stats: 2000 };

export interface TasksContext {
  readonly root: string;
  readonly state: string;
  readonly metadata: Metadata;
  readonly mounts: Mounts;
  readonly events: Events;
  readonly shims: ShimAddresses;
  readonly limits: ShimLimits;
  readonly logger: Logger;
}

/** A task belongs to a container, and has its id. */
export interface TaskKey {
  readonly namespace: string;
  readonly id: string;
}

export const taskName = ({ namespace, id }: TaskKey): string => `${namespace}/${id}`;
