import type { Socket } from 'node:net';
import type { Labels } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { KeyedMutex } from '#/base/keyed-mutex.ts';
import type { Logger } from '#/base/log.ts';
import type { HostFacts } from '#/core/containers/make-spec.ts';
import type { UserFiles } from '#/oci/find-user.ts';
import type { Events } from '#/core/events/contract.ts';
import type { Images } from '#/core/images/contract.ts';
import type { ContainerRecord, Metadata } from '#/core/metadata/contract.ts';
import type { Snapshotters, Snapshotter } from '#/core/snapshots/contract.ts';
import type { Tasks } from '#/core/tasks/contract.ts';
import type { EngineEvents } from '#/engine/engine-events.ts';
import {
  asEngineContainer,
  withRecord,
  withState,
  type ContainerState,
  type EngineContainer,
  type EngineRecord,
} from '#/engine/container-record.ts';
import type { ExecInstance } from '#/engine/exec-instance.ts';

/** What the engine is made of; handed in by the daemon. */
export interface EngineParts {
  readonly metadata: Metadata;
  readonly events: Events;
  readonly images: Images;
  readonly snapshotters: Snapshotters;
  readonly tasks: Tasks;
  readonly logger: Logger;
  /** Name of the snapshotter for people's containers. */
  readonly snapshotter: string;
  /** For containers that name none: a name of the table, or a shim's. */
  readonly runtime: string;
  /** Adds the OCI runtime that is the better choice on this host to a shim that is named alone. */
  readonly preferRuntime: (runtime: ContainerRecord['runtime']) => ContainerRecord['runtime'];
  /** By the names that people use. */
  readonly runtimes: ReadonlyMap<string, ContainerRecord['runtime']>;
  /** Persistent files: logs, hosts files. */
  readonly root: string;
  /** Sockets and FIFOs, gone after a reboot. */
  readonly state: string;
  readonly stdioBinary: string;
  readonly host: HostFacts;
  readonly cgroupVersion: 'v1' | 'hybrid' | 'v2';
}

/** What is told when a container ends, to those who wait for it. */
export interface Ending {
  readonly kind: 'exited' | 'removed';
  readonly exitCode: number;
  readonly error: string;
}

/** An attach that was asked for before there was anything to attach to. */
export interface PendingAttach {
  connect(socketPath: string): Promise<void>;
  cancel(error: Error): void;
}

/** What the engine holds in memory of a container; all of it can be lost. */
export interface LiveContainer {
  oomKilled: boolean;
  /** Resolves when the end of its run is on record. */
  supervision?: Promise<void>;
  readonly pending: Set<PendingAttach>;
  readonly waiters: Set<(ending: Ending) => void>;
  readonly attached: Set<Socket>;
}

export interface EngineContext extends EngineParts {
  readonly locks: KeyedMutex;
  readonly live: Map<string, LiveContainer>;
  readonly execs: Map<string, ExecInstance>;
  /** Containers that the engine itself is removing now. */
  readonly removing: Set<string>;
  readonly bus: EngineEvents;
  /** Users and groups of images, by top chain id. */
  readonly userFiles: Map<string, UserFiles>;
  /** Aborted when the engine closes. */
  readonly closing: AbortSignal;
  /** Work that goes on by itself and must have ended before the engine is closed. */
  readonly background: Set<Promise<void>>;
}

export interface ContainerKey {
  readonly namespace: string;
  readonly id: string;
}

export function keyOf(container: ContainerKey): string {
  return `${container.namespace}/${container.id}`;
}

export function liveOf(context: EngineContext, container: ContainerKey): LiveContainer {
  const key = keyOf(container);
  const known = context.live.get(key);
  if (known !== undefined) return known;
  const live: LiveContainer = {
    oomKilled: false,
    pending: new Set(),
    waiters: new Set(),
    attached: new Set(),
  };
  context.live.set(key, live);
  return live;
}

export function getSnapshotter(context: EngineContext, name: string): Snapshotter {
  const snapshotter = context.snapshotters.get(name);
  if (snapshotter !== undefined) return snapshotter;
  throw new EngineError('failed-precondition', `Cannot use snapshotter "${name}": this daemon has none of that name`);
}

/** Reads a container again, by its full id. */
export function reload(context: EngineContext, namespace: string, id: string): EngineContainer {
  return asEngineContainer(namespace, context.metadata.read.containers.get(namespace, id));
}

/** Writes a new state; durable when it resolves. */
export async function saveState(
  context: EngineContext,
  container: EngineContainer,
  state: ContainerState,
): Promise<EngineContainer> {
  return save(context, container, (latest) => withState(latest, state));
}

export async function saveRecord(
  context: EngineContext,
  container: EngineContainer,
  change: (record: EngineRecord) => EngineRecord,
): Promise<EngineContainer> {
  return save(context, container, (latest) => withRecord(latest, change(latest.record)));
}

async function save(
  context: EngineContext,
  { namespace, id }: EngineContainer,
  change: (latest: EngineContainer) => EngineContainer['core'],
): Promise<EngineContainer> {
  const core = await context.metadata.write((tx) => {
    const latest = asEngineContainer(namespace, tx.containers.get(namespace, id));
    const changed = { ...change(latest), updatedAt: now() };
    tx.containers.update(namespace, changed);
    return changed;
  });
  return asEngineContainer(namespace, core);
}

/** Publishes in Docker's words, with the attributes that Docker puts on every container event. */
export function announce(
  context: EngineContext,
  container: EngineContainer,
  action: string,
  attributes: Labels = {},
): void {
  const { config, name } = container.record;
  context.bus.publish({
    namespace: container.namespace,
    type: 'container',
    action,
    id: container.id,
    attributes: { ...config.Labels, image: config.Image, name, ...attributes },
  });
}

/** Lets work go on by itself; its failure is logged, and closing waits for it. */
export function inBackground(context: EngineContext, what: string, work: Promise<void>): void {
  const tracked = work
    .catch((error: unknown) => context.logger.error(`${what} failed`, { error: String(error) }))
    .finally(() => context.background.delete(tracked));
  context.background.add(tracked);
}
