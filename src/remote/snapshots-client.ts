import type { Labels } from '#/base/any.ts';
import { EngineError, isKind } from '#/base/errors.ts';
import type { SnapshotKind } from '#/core/metadata/contract.ts';
import type { Mount, SnapshotUsage } from '#/core/snapshots/contract.ts';
import { Kind, Snapshots, type Info } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { Mount as WireMount } from '#/gen/containerd/types/mount_pb.ts';
import { callIn, type Backend } from '#/remote/backend.ts';

const { method } = Snapshots;

/** What a backend says of one of its snapshots. */
export interface BackendSnapshot {
  readonly key: string;
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: Labels;
}

interface NewBackendSnapshot {
  readonly key: string;
  readonly parent: string;
  readonly labels: Labels;
}

interface BackendCommit extends NewBackendSnapshot {
  readonly name: string;
}

/** The snapshots service of a backend, in our words. Keys are the backend's; '' is no parent. */
export class SnapshotsClient {
  readonly #backend: Backend;
  readonly #snapshotter: string;

  constructor(backend: Backend, snapshotter: string) {
    this.#backend = backend;
    this.#snapshotter = snapshotter;
  }

  async create(
    namespace: string,
    kind: Exclude<SnapshotKind, 'committed'>,
    { key, parent, labels }: NewBackendSnapshot,
  ): Promise<Mount[]> {
    const client = await this.#backend.client();
    const request = { snapshotter: this.#snapshotter, key, parent, labels: { ...labels } };
    const answering =
      kind === 'view'
        ? client.unary(method.view, request, callIn(namespace))
        : client.unary(method.prepare, request, callIn(namespace));
    return mountsOf((await answering).mounts);
  }

  async mounts(namespace: string, key: string): Promise<Mount[]> {
    const client = await this.#backend.client();
    return mountsOf((await client.unary(method.mounts, this.#of(key), callIn(namespace))).mounts);
  }

  async commit(namespace: string, { name, key, parent, labels }: BackendCommit): Promise<void> {
    const client = await this.#backend.client();
    const request = { ...this.#of(key), name, parent, labels: { ...labels } };
    await client.unary(method.commit, request, callIn(namespace));
  }

  async remove(namespace: string, key: string): Promise<void> {
    const client = await this.#backend.client();
    await client.unary(method.remove, this.#of(key), callIn(namespace));
  }

  async find(namespace: string, key: string): Promise<BackendSnapshot | undefined> {
    const client = await this.#backend.client();
    try {
      const { info } = await client.unary(method.stat, this.#of(key), callIn(namespace));
      return info === undefined ? undefined : snapshotOf(info);
    } catch (error) {
      if (isKind(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async setLabels(namespace: string, key: string, labels: Labels): Promise<void> {
    const client = await this.#backend.client();
    const info = { name: key, labels: { ...labels } };
    const request = { snapshotter: this.#snapshotter, info, updateMask: { paths: ['labels'] } };
    await client.unary(method.update, request, callIn(namespace));
  }

  async list(namespace: string, filters: readonly string[] = []): Promise<BackendSnapshot[]> {
    const client = await this.#backend.client();
    const request = { snapshotter: this.#snapshotter, filters: [...filters] };
    const found: BackendSnapshot[] = [];
    for await (const { info } of client.serverStream(method.list, request, callIn(namespace)))
      found.push(...info.map(snapshotOf));
    return found;
  }

  async usage(namespace: string, key: string): Promise<SnapshotUsage> {
    const client = await this.#backend.client();
    const { size, inodes } = await client.unary(method.usage, this.#of(key), callIn(namespace));
    return { size: Number(size), inodes: Number(inodes) };
  }

  /** Has the backend clear up; one that does not know how has nothing to. */
  async cleanup(namespace: string): Promise<void> {
    const client = await this.#backend.client();
    try {
      await client.unary(method.cleanup, { snapshotter: this.#snapshotter }, callIn(namespace));
    } catch (error) {
      if (!isKind(error, 'unimplemented')) throw error;
    }
  }

  #of(key: string): { snapshotter: string; key: string } {
    return { snapshotter: this.#snapshotter, key };
  }
}

function snapshotOf({ name, parent, kind, labels }: Info): BackendSnapshot {
  return { key: name, parent, kind: kindOf(name, kind), labels: { ...labels } };
}

const kinds: ReadonlyMap<Kind, SnapshotKind> = new Map([
  [Kind.VIEW, 'view'],
  [Kind.ACTIVE, 'active'],
  [Kind.COMMITTED, 'committed'],
]);

function kindOf(name: string, wire: Kind): SnapshotKind {
  const kind = kinds.get(wire);
  if (kind !== undefined) return kind;
  throw new EngineError('internal', `Cannot use snapshot "${name}" of another process: its kind ${wire} is unknown`);
}

const mountsOf = (wires: readonly WireMount[]): Mount[] =>
  wires.map(({ type, source, target, options }) => ({
    type,
    source,
    options: [...options],
    ...(target === '' ? {} : { target }),
  }));
