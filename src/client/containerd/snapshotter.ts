import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';
import { Snapshots, type Info } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { Mount } from '#/gen/containerd/types/mount_pb.ts';
import { EngineError, isKind } from '#/base/errors.ts';

/** One snapshotter of the daemon, in the client's namespace. */
export interface Snapshotter {
  readonly name: string;
  stat(key: string): Promise<Info>;
  find(key: string): Promise<Info | undefined>;
  list(filters?: readonly string[]): AsyncGenerator<Info>;
  usage(key: string): Promise<{ readonly size: bigint; readonly inodes: bigint }>;
  prepare(key: string, parent: string, labels?: Readonly<Record<string, string>>): Promise<readonly Mount[]>;
  view(key: string, parent: string, labels?: Readonly<Record<string, string>>): Promise<readonly Mount[]>;
  mounts(key: string): Promise<readonly Mount[]>;
  commit(name: string, key: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  remove(key: string): Promise<void>;
}

const defaultLabel = 'containerd.io/defaults/snapshotter';

/** What was asked for, else what the namespace names as its default, else overlayfs. */
export async function chooseSnapshotter(client: ContainerdClient, asked: string | undefined): Promise<string> {
  if (asked !== undefined && asked !== '') return asked;
  try {
    const { namespace } = await client.call(Namespaces.method.get, { name: client.namespace });
    return namespace?.labels[defaultLabel] ?? 'overlayfs';
  } catch (error) {
    if (isKind(error, 'not-found')) return 'overlayfs';
    throw error;
  }
}

export async function openSnapshotter(client: ContainerdClient, asked: string | undefined): Promise<Snapshotter> {
  const snapshotter = await chooseSnapshotter(client, asked);
  const { method } = Snapshots;
  const stat = async (key: string): Promise<Info> => {
    const { info } = await client.call(method.stat, { snapshotter, key });
    if (info === undefined) throw new EngineError('internal', `Cannot look at snapshot "${key}": the answer is empty`);
    return info;
  };
  return {
    name: snapshotter,
    stat,
    find: (key) =>
      stat(key).catch((error: unknown) => (isKind(error, 'not-found') ? undefined : Promise.reject(error))),
    async *list(filters = []) {
      for await (const { info } of client.stream(method.list, { snapshotter, filters: [...filters] })) yield* info;
    },
    usage: (key) => client.call(method.usage, { snapshotter, key }),
    prepare: async (key, parent, labels = {}) =>
      (await client.call(method.prepare, { snapshotter, key, parent, labels: { ...labels } })).mounts,
    view: async (key, parent, labels = {}) =>
      (await client.call(method.view, { snapshotter, key, parent, labels: { ...labels } })).mounts,
    mounts: async (key) => (await client.call(method.mounts, { snapshotter, key })).mounts,
    commit: async (name, key, labels = {}) =>
      void (await client.call(method.commit, { snapshotter, name, key, labels: { ...labels } })),
    remove: async (key) => void (await client.call(method.remove, { snapshotter, key })),
  };
}
