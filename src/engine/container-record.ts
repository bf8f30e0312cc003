import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import type { Config, HostConfig } from '#/engine/docker-config.ts';

/**
 * A container's life. Times are RFC 3339 in UTC. `creating` is seen only by the engine itself: a container found so at
 * start is undone.
 */
export type ContainerState =
  | { readonly kind: 'creating' }
  | { readonly kind: 'created'; readonly exitCode: number; readonly error: string }
  | { readonly kind: 'running'; readonly pid: number; readonly startedAt: string; readonly paused: boolean }
  | {
      readonly kind: 'exited';
      readonly exitCode: number;
      readonly error: string;
      readonly oomKilled: boolean;
      readonly startedAt: string;
      readonly finishedAt: string;
    };

/** What the engine knows of a container beyond the core's record; kept on it as an extension. */
export interface EngineRecord {
  readonly name: string;
  /** Digest of the image's target, and of the config for its platform. */
  readonly imageId: string;
  readonly config: Config;
  readonly hostConfig: HostConfig;
  /** The command as it runs: entrypoint and arguments. */
  readonly args: readonly string[];
  readonly restartCount: number;
}

export interface EngineContainer {
  readonly namespace: string;
  readonly id: string;
  readonly core: ContainerRecord;
  readonly record: EngineRecord;
  readonly state: ContainerState;
}

const recordKey = 'io.berth.engine.v1.Container';
const stateKey = 'io.berth.engine.v1.State';

const encode = (typeUrl: string, value: unknown): TypedValue => ({
  typeUrl,
  value: new TextEncoder().encode(JSON.stringify(value)),
});

const decode = <T>({ value }: TypedValue): T => JSON.parse(new TextDecoder().decode(value)) as T;

/** The extensions that make a core record one of the engine's. */
export function engineExtensions(record: EngineRecord, state: ContainerState): Record<string, TypedValue> {
  return { [recordKey]: encode(recordKey, record), [stateKey]: encode(stateKey, state) };
}

/** Reads a core record as one of the engine's; undefined for a container that another client made. */
export function findEngineContainer(namespace: string, core: ContainerRecord): EngineContainer | undefined {
  const record = core.extensions[recordKey];
  const state = core.extensions[stateKey];
  if (record === undefined || state === undefined) return undefined;
  return { namespace, id: core.id, core, record: decode(record), state: decode(state) };
}

/** As findEngineContainer; throws `failed-precondition` for a container that another client made. */
export function asEngineContainer(namespace: string, core: ContainerRecord): EngineContainer {
  const container = findEngineContainer(namespace, core);
  if (container !== undefined) return container;
  throw new EngineError(
    'conflict',
    `Cannot do this with container "${core.id}": it was made through containerd's API, whose client owns its streams and life; use that client`,
  );
}

export function withState(container: EngineContainer, state: ContainerState): ContainerRecord {
  return withExtensions(container, container.record, state);
}

export function withRecord(container: EngineContainer, record: EngineRecord): ContainerRecord {
  return withExtensions(container, record, container.state);
}

function withExtensions(container: EngineContainer, record: EngineRecord, state: ContainerState): ContainerRecord {
  const { core } = container;
  return { ...core, extensions: { ...core.extensions, ...engineExtensions(record, state) } };
}

export function isRunning(state: ContainerState): state is Extract<ContainerState, { kind: 'running' }> {
  return state.kind === 'running';
}
