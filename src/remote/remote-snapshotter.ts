import type { Labels } from '#/base/any.ts';
import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import { KeyedMutex } from '#/base/keyed-mutex.ts';
import { silentLogger, type Logger } from '#/base/log.ts';
import { SharedLock } from '#/base/shared-lock.ts';
import type { Metadata, SnapshotRecord } from '#/core/metadata/contract.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import { checkKey } from '#/core/snapshots/check-key.ts';
import type { CommitOptions, Mount, PrepareOptions, Snapshotter, SnapshotUsage } from '#/core/snapshots/contract.ts';
import { refuseCommitted, refuseExisting, targetLabel } from '#/core/snapshots/refuse-existing.ts';
import { SnapshotNumbers } from '#/core/snapshots/snapshot-numbers.ts';
import { SnapshotRecords } from '#/core/snapshots/snapshot-records.ts';
import { Backend } from '#/remote/backend.ts';
import { inheritedLabels } from '#/remote/inherited-labels.ts';
import { removeUnrecorded } from '#/remote/remove-unrecorded.ts';
import { SnapshotsClient } from '#/remote/snapshots-client.ts';

export interface RemoteSnapshotterOptions {
  readonly name: string;
  /** The backend's unix socket. */
  readonly address: string;
  readonly capabilities?: readonly string[];
  readonly exports?: Readonly<Record<string, string>>;
  readonly metadata: Metadata;
  readonly logger?: Logger;
}

/**
 * Snapshots that another process keeps, over containerd's own Snapshots service. Records are ours: keys, parents,
 * labels, times and leases of all namespaces. The backend knows each as `<namespace>/<number>/<key>`, and of the labels
 * only those that are meant for it. It may answer a prepare for a target with "exists already": it has made the target
 * by itself, and the record is made here.
 *
 * The backend's snapshot comes before the record and goes after it; what a crash leaves without a record, `cleanup`
 * removes.
 */
export function openRemoteSnapshotter(options: RemoteSnapshotterOptions): Snapshotter {
  return new RemoteSnapshotter(options);
}

interface Create {
  readonly key: string;
  readonly parent: string;
  readonly kind: 'active' | 'view';
  readonly options: PrepareOptions;
}

class RemoteSnapshotter implements Snapshotter {
  readonly name: string;
  readonly root: string;
  readonly lazy = true;
  readonly capabilities: readonly string[];
  readonly exports: Readonly<Record<string, string>>;
  readonly #metadata: Metadata;
  readonly #logger: Logger;
  readonly #backend: Backend;
  readonly #client: SnapshotsClient;
  readonly #numbers: SnapshotNumbers;
  readonly #keys = new KeyedMutex();
  readonly #names = new KeyedMutex();
  /** A cleanup must not take for waste what is about to be recorded. */
  readonly #lock = new SharedLock();

  constructor({ name, address, capabilities = [], exports = {}, metadata, logger }: RemoteSnapshotterOptions) {
    this.name = name;
    this.root = exports['root'] ?? '';
    this.capabilities = capabilities;
    this.exports = exports;
    this.#metadata = metadata;
    this.#logger = (logger ?? silentLogger).with({ snapshotter: name });
    this.#backend = new Backend({ what: `snapshotter "${name}"`, address });
    this.#client = new SnapshotsClient(this.#backend, name);
    this.#numbers = new SnapshotNumbers(metadata, name);
  }

  prepare(namespace: string, key: string, parent: string, options: PrepareOptions = {}): Promise<Mount[]> {
    return this.#change(namespace, key, () => this.#create(namespace, { key, parent, kind: 'active', options }));
  }

  view(namespace: string, key: string, parent: string, options: PrepareOptions = {}): Promise<Mount[]> {
    return this.#change(namespace, key, () => this.#create(namespace, { key, parent, kind: 'view', options }));
  }

  async mounts(namespace: string, key: string): Promise<Mount[]> {
    const record = this.#records(namespace).getMountable(this.#metadata.read, key);
    return await this.#client.mounts(namespace, backendKeyOf(record));
  }

  async commit(namespace: string, name: string, key: string, options: CommitOptions = {}): Promise<void> {
    checkKey(name);
    checkLabels(`snapshot "${name}"`, options.labels ?? {});
    // Of two that become one name, the second must not change in the backend before the first has won.
    await this.#change(namespace, key, () =>
      this.#names.run(`${namespace}/${name}`, () => this.#commit(namespace, { name, key, options })),
    );
  }

  remove: Snapshotter['remove'] = (namespace, key, options = {}) =>
    this.#change(namespace, key, async () => {
      const records = this.#records(namespace);
      const { backendKey } = records.get(this.#metadata.read, key);
      await this.#metadata.write((tx) => records.delete(tx, key), options);
      if (backendKey !== undefined && !this.#recordedKeys().has(backendKey))
        await this.#removeFromBackend(namespace, backendKey);
    });

  async stat(namespace: string, key: string): Promise<SnapshotRecord> {
    const records = this.#records(namespace);
    const record = records.get(this.#metadata.read, key);
    const found = await this.#client.find(namespace, backendKeyOf(record));
    if (found !== undefined) return withLabels(record, found.labels);
    throw new EngineError(
      'not-found',
      `Cannot find snapshot "${key}": snapshotter "${this.name}" has lost it; remove it`,
    );
  }

  /** What the backend has lost is left out. */
  async list(namespace: string): Promise<SnapshotRecord[]> {
    const recorded = this.#records(namespace).list(this.#metadata.read);
    if (recorded.length === 0) return [];
    const kept = new Map((await this.#client.list(namespace)).map(({ key, labels }) => [key, labels]));
    return recorded.flatMap((record) => {
      const labels = kept.get(backendKeyOf(record));
      return labels === undefined ? [] : [withLabels(record, labels)];
    });
  }

  setLabels: Snapshotter['setLabels'] = (namespace, key, change) =>
    this.#change(namespace, key, async () => {
      const records = this.#records(namespace);
      const checked = (labels: Labels): Labels => checkLabels(`snapshot "${key}"`, change(labels));
      const before = records.get(this.#metadata.read, key);
      await this.#client.setLabels(namespace, backendKeyOf(before), inheritedLabels(checked(before.labels)));
      return await this.#metadata.write((tx) => records.setLabels(tx, key, checked));
    });

  async usage(namespace: string, key: string): Promise<SnapshotUsage> {
    const record = this.#records(namespace).get(this.#metadata.read, key);
    return await this.#client.usage(namespace, backendKeyOf(record));
  }

  cleanup(): Promise<void> {
    return this.#lock.alone(async () => {
      const recorded = this.#recordedKeys();
      for (const { name: namespace } of this.#metadata.read.listNamespaces()) {
        await removeUnrecorded(this.#client, namespace, { recorded, logger: this.#logger });
        await this.#client.cleanup(namespace);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }

  async #create(namespace: string, { key, parent, kind, options }: Create): Promise<Mount[]> {
    checkKey(key);
    const labels = checkLabels(`snapshot "${key}"`, options.labels ?? {});
    const { lease } = options;
    const { read } = this.#metadata;
    const records = this.#records(namespace);
    await refuseExisting(this.#metadata, records, { key, options });
    const backendParent = parent === '' ? '' : backendKeyOf(records.getParent(read, parent));
    if (lease !== undefined) read.leases.get(namespace, lease);
    const id = await this.#numbers.next();
    const backendKey = `${namespace}/${id}/${key}`;
    const wanted = { key: backendKey, parent: backendParent, labels: inheritedLabels(labels) };
    const created = await this.#client.create(namespace, kind, wanted).catch(async (error: unknown) => {
      if (!isKind(error, 'already-exists')) throw error;
      await this.#adopt(namespace, { id, parent, backendParent, labels, lease });
      throw error;
    });
    try {
      await this.#metadata.write(
        (tx) => records.create(tx, { key, parent, kind, id, backendKey, labels, lease }),
        options,
      );
    } catch (error) {
      await this.#removeFromBackend(namespace, backendKey);
      throw error;
    }
    return created;
  }

  async #commit(namespace: string, { name, key, options }: Commit): Promise<void> {
    const { labels = {}, lease } = options;
    const { read } = this.#metadata;
    const records = this.#records(namespace);
    await refuseCommitted(this.#metadata, records, { name, options });
    const active = records.getCommittable(read, key);
    const { id } = active;
    const parent = records.parentOfCommit(read, active, options.parent ?? '');
    const backendKey = `${namespace}/${await this.#numbers.next()}/${name}`;
    await this.#client.commit(namespace, {
      name: backendKey,
      key: backendKeyOf(active),
      parent: parent === active.parent ? '' : this.#newParent(records, name, parent),
      labels: inheritedLabels(labels),
    });
    const usage = await this.#usageIfKnown(namespace, backendKey);
    await this.#metadata.write((tx) => records.commit(tx, { name, key, id, parent, backendKey, usage, labels, lease }));
  }

  /** Records the target that the backend says it has. */
  async #adopt(namespace: string, { id, parent, backendParent, labels, lease }: Adopt): Promise<void> {
    const target = labels[targetLabel] ?? '';
    const why = `snapshotter "${this.name}" says that it has it already`;
    if (target === '') throw new EngineError('unknown', `Cannot prepare a snapshot that nobody has made: ${why}`);
    const filter = `labels.${JSON.stringify(targetLabel)}==${JSON.stringify(target)},parent==${JSON.stringify(backendParent)}`;
    const found = (await this.#client.list(namespace, [filter])).find(
      // Not every backend minds filters.
      (other) => other.kind === 'committed' && other.parent === backendParent && other.labels[targetLabel] === target,
    );
    if (found === undefined)
      throw new EngineError('not-found', `Cannot find snapshot "${target}": ${why}, and does not list it`);
    const records = this.#records(namespace);
    await this.#metadata.write((tx) => {
      if (records.find(tx, target) !== undefined) return records.hold(tx, lease, target);
      const both = { ...found.labels, ...labels };
      records.adopt(tx, { key: target, parent, id, backendKey: found.key, labels: both, lease });
    });
  }

  /** Of all namespaces: what a backend has made by itself may stand under one key in several. */
  #recordedKeys(): ReadonlySet<string> {
    const { read } = this.#metadata;
    const all = read.listNamespaces().flatMap(({ name }) => this.#records(name).list(read));
    return new Set(all.flatMap(({ backendKey = [] }) => backendKey));
  }

  /** For the record alone: who wants to know asks the backend. */
  async #usageIfKnown(namespace: string, backendKey: string): Promise<SnapshotUsage> {
    try {
      return await this.#client.usage(namespace, backendKey);
    } catch (error) {
      this.#logger.warn('the size of a snapshot is not known', { key: backendKey, error: messageOf(error) });
      return { size: 0, inodes: 0 };
    }
  }

  #newParent(records: SnapshotRecords, name: string, parent: string): string {
    if (this.capabilities.includes('rebase')) return backendKeyOf(records.get(this.#metadata.read, parent));
    throw new EngineError(
      'unimplemented',
      `Cannot commit snapshot "${name}" onto "${parent}": snapshotter "${this.name}" is not said to rebase; prepare it on its parent`,
    );
  }

  /** The record is what counts: what stays in the backend goes with the next cleanup. */
  async #removeFromBackend(namespace: string, key: string): Promise<void> {
    try {
      await this.#client.remove(namespace, key);
    } catch (error) {
      if (isKind(error, 'not-found')) return;
      this.#logger.warn('a snapshot without record is left for the next cleanup', { key, error: messageOf(error) });
    }
  }

  #change<T>(namespace: string, key: string, work: () => Promise<T>): Promise<T> {
    return this.#lock.share(() => this.#keys.run(`${namespace}/${key}`, work));
  }

  #records(namespace: string): SnapshotRecords {
    return new SnapshotRecords(this.name, namespace);
  }
}

interface Commit {
  readonly name: string;
  readonly key: string;
  readonly options: CommitOptions;
}

interface Adopt {
  readonly id: number;
  readonly parent: string;
  readonly backendParent: string;
  readonly labels: Labels;
  readonly lease: string | undefined;
}

/** A record without one was made by another snapshotter of this name, when it kept its files here. */
function backendKeyOf({ backendKey, key }: SnapshotRecord): string {
  if (backendKey !== undefined) return backendKey;
  throw new EngineError('failed-precondition', `Cannot use snapshot "${key}": no other process has made it; remove it`);
}

const withLabels = (record: SnapshotRecord, labels: Labels): SnapshotRecord => ({
  ...record,
  labels: { ...labels, ...record.labels },
});
