import type { Logger } from '#/base/log.ts';
import type { Events } from '#/core/events/contract.ts';
import type { Metadata } from '#/core/metadata/contract.ts';

/** How shims reach the daemon. */
export interface ShimAddresses {
  /** The daemon's gRPC socket. */
  readonly socketAddress: string;
  /** Where shims send their events. */
  readonly ttrpcAddress: string;
  /** A program that publishes an event from its standard input, for shims that cannot do it themselves. */
  readonly publishBinary: string;
}

export interface TasksContext {
  readonly root: string;
  readonly state: string;
  readonly metadata: Metadata;
  readonly events: Events;
  readonly shims: ShimAddresses;
  readonly logger: Logger;
}

/** A task belongs to a container, and has its id. */
export interface TaskKey {
  readonly namespace: string;
  readonly id: string;
}

export const taskName = ({ namespace, id }: TaskKey): string => `${namespace}/${id}`;
