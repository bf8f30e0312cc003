import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Labels } from '#/base/any.ts';
import { EngineError, errnoOf } from '#/base/errors.ts';
import { KeyedMutex } from '#/base/keyed-mutex.ts';
import { silentLogger } from '#/base/log.ts';
import type { WriteOptions, Metadata, SnapshotKind, SnapshotRecord } from '#/core/metadata/contract.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type {
  CommitOptions,
  Mount,
  PrepareOptions,
  Snapshotter,
  SnapshotterCapability,
  SnapshotterContext,
} from '#/core/snapshots/contract.ts';
import { diskUsage } from '#/core/snapshots/disk-usage.ts';
import { checkKey } from '#/core/snapshots/check-key.ts';
import { refuseCommitted, refuseExisting } from '#/core/snapshots/refuse-existing.ts';
import { SnapshotNumbers } from '#/core/snapshots/snapshot-numbers.ts';
import { SnapshotDirectories } from '#/core/snapshots/snapshot-directories.ts';
import { WriteBack } from '#/core/snapshots/write-back.ts';
import { readBootId } from '#/linux/boot-id.ts';
import { SnapshotRecords } from '#/core/snapshots/snapshot-records.ts';

/** A snapshot on the disk. `parents` are the directories that it stands on, the nearest first. */
export interface SnapshotTree {
  readonly directory: string;
  readonly kind: Exclude<SnapshotKind, 'committed'>;
  readonly parents: readonly string[];
  readonly labels: Labels;
}

/** What tells one directory snapshotter from another. */
export interface TreeDriver {
  readonly name: string;
  readonly capabilities: readonly SnapshotterCapability[];
  /** Whether `remove` waits until the files are gone. */
  readonly syncRemove?: boolean;
  /** Labels that a record shows beyond its own. */
  readonly ownLabels?: (directory: string) => Labels;
  /** Makes what belongs in the new, empty directory of a snapshot: at least `fs`. */
  populate(tree: SnapshotTree): Promise<void>;
  mounts(tree: SnapshotTree): Mount[];
}

/** The tree in a snapshot's directory. */
export const treeOf = (directory: string): string => join(directory, 'fs');

interface Create {
  readonly key: string;
  readonly parent: string;
  readonly kind: SnapshotTree['kind'];
  readonly options: PrepareOptions;
}

interface Commit {
  readonly name: string;
  readonly key: string;
  readonly options: CommitOptions;
}

/** Opens a snapshotter that keeps each snapshot in a numbered directory below `<root>/snapshots`. */
export async function openDirectorySnapshotter(
  driver: TreeDriver,
  { root, bootId, metadata, logger: given = silentLogger }: SnapshotterContext,
): Promise<Snapshotter> {
  const place = join(root, 'snapshots');
  await mkdir(place, { recursive: true, mode: 0o700 });
  const logger = given.with({ snapshotter: driver.name });
  const found = bootId ?? (await readBootId());
  const writeBack = new WriteBack({ snapshotter: driver.name, root, metadata, bootId: found, logger });
  await writeBack.recover();
  const directories = new SnapshotDirectories({
    place,
    isRecorded: (id) => metadata.read.isSnapshotNumber(driver.name, id),
    logger,
  });
  await directories.cleanup();
  return new DirectorySnapshotter({ driver, root, metadata, directories, writeBack });
}

interface Parts {
  readonly driver: TreeDriver;
  readonly root: string;
  readonly metadata: Metadata;
  readonly directories: SnapshotDirectories;
  readonly writeBack: WriteBack;
}

class DirectorySnapshotter implements Snapshotter {
  readonly name: string;
  readonly root: string;
  readonly capabilities: readonly SnapshotterCapability[];
  readonly exports: Readonly<Record<string, string>>;
  readonly #driver: TreeDriver;
  readonly #metadata: Metadata;
  readonly #directories: SnapshotDirectories;
  readonly #writeBack: WriteBack;
  /** One change at a time per key, so that the second of two prepares does not copy a tree in vain. */
  readonly #keys = new KeyedMutex();
  readonly #numbers: SnapshotNumbers;

  constructor({ driver, root, metadata, directories, writeBack }: Parts) {
    this.name = driver.name;
    this.root = root;
    this.capabilities = driver.capabilities;
    this.exports = { root };
    this.#driver = driver;
    this.#metadata = metadata;
    this.#numbers = new SnapshotNumbers(metadata, driver.name);
    this.#directories = directories;
    this.#writeBack = writeBack;
  }

  prepare(namespace: string, key: string, parent: string, options: PrepareOptions = {}): Promise<Mount[]> {
    return this.#create(namespace, { key, parent, kind: 'active', options });
  }

  view(namespace: string, key: string, parent: string, options: PrepareOptions = {}): Promise<Mount[]> {
    return this.#create(namespace, { key, parent, kind: 'view', options });
  }

  async mounts(namespace: string, key: string): Promise<Mount[]> {
    const records = this.#records(namespace);
    const { id, kind, parent, labels } = records.getMountable(this.#metadata.read, key);
    await requireDirectory('mount', key, treeOf(this.#directories.path(id)));
    return this.#driver.mounts({
      directory: this.#directories.path(id),
      kind: kind === 'view' ? 'view' : 'active',
      parents: this.#ancestors(records, parent),
      labels,
    });
  }

  async commit(namespace: string, name: string, key: string, options: CommitOptions = {}): Promise<void> {
    checkKey(name);
    const labels = checkLabels(`snapshot "${name}"`, options.labels ?? {});
    const checked = { name, key, options: { ...options, labels } };
    await this.#keys.run(`${namespace}/${key}`, () => this.#commit(namespace, checked));
  }

  async remove(namespace: string, key: string, options: WriteOptions = {}): Promise<void> {
    await this.#keys.run(`${namespace}/${key}`, async () => {
      const id = await this.#metadata.write((tx) => this.#records(namespace).delete(tx, key), options);
      const deletion = await this.#directories.discard(id);
      if (this.#driver.syncRemove === true) await deletion.done;
    });
  }

  stat: Snapshotter['stat'] = async (namespace, key) =>
    this.#shown(this.#records(namespace).get(this.#metadata.read, key));

  list: Snapshotter['list'] = async (namespace) =>
    this.#records(namespace)
      .list(this.#metadata.read)
      .map((record) => this.#shown(record));

  setLabels: Snapshotter['setLabels'] = async (namespace, key, change) => {
    const checked = (labels: Labels): Labels => checkLabels(`snapshot "${key}"`, change(labels));
    return this.#shown(await this.#metadata.write((tx) => this.#records(namespace).setLabels(tx, key, checked)));
  };

  usage: Snapshotter['usage'] = async (namespace, key) => {
    const { kind, id, size, inodes } = this.#records(namespace).get(this.#metadata.read, key);
    return kind === 'active' ? await diskUsage(treeOf(this.#directories.path(id))) : { size, inodes };
  };

  async cleanup(): Promise<void> {
    await this.#directories.cleanup();
  }

  async discard(records: readonly SnapshotRecord[]): Promise<void> {
    for (const { id } of records) await this.#directories.discard(id);
    await this.#directories.settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writeBack[Symbol.dispose]();
    await this.#directories[Symbol.asyncDispose]();
  }

  async #create(namespace: string, { key, parent, kind, options }: Create): Promise<Mount[]> {
    checkKey(key);
    const labels = checkLabels(`snapshot "${key}"`, options.labels ?? {});
    const { lease } = options;
    const { read } = this.#metadata;
    const records = this.#records(namespace);
    return await this.#keys.run(`${namespace}/${key}`, async () => {
      await refuseExisting(this.#metadata, records, { key, options });
      if (parent !== '') records.getParent(read, parent);
      if (lease !== undefined) read.leases.get(namespace, lease);
      this.#writeBack.delay();
      const parents = this.#ancestors(records, parent);
      const id = await this.#numbers.next();
      const made = this.#directories.create(
        id,
        (directory) => this.#driver.populate({ directory, kind, parents, labels }),
        () => this.#metadata.write((tx) => records.create(tx, { key, parent, kind, id, labels, lease }), options),
      );
      await made.catch((error: unknown) => {
        // A parent that was removed meanwhile explains any other failure.
        if (parent !== '') records.getParent(read, parent);
        throw error;
      });
      return this.#driver.mounts({ directory: this.#directories.path(id), kind, parents, labels });
    });
  }

  async #commit(namespace: string, { name, key, options }: Commit): Promise<void> {
    const { read } = this.#metadata;
    const records = this.#records(namespace);
    const { labels = {}, lease } = options;
    await refuseCommitted(this.#metadata, records, { name, options });
    const active = records.getCommittable(read, key);
    const { id } = active;
    const parent = records.parentOfCommit(read, active, options.parent ?? '');
    const tree = treeOf(this.#directories.path(id));
    await requireDirectory('commit', key, tree);
    const usage = options.usage ?? (await diskUsage(tree));
    const committed = { name, key, id, parent, unsynced: this.#writeBack.bootId, usage, labels, lease };
    await this.#metadata.write((tx) => records.commit(tx, committed));
    this.#writeBack.note({ namespace, key: name, id });
  }

  /** As others see it: with the labels that the driver adds, without our own mark. */
  #shown({ unsynced: _unsynced, ...record }: SnapshotRecord): SnapshotRecord {
    const own = this.#driver.ownLabels?.(this.#directories.path(record.id)) ?? {};
    return { ...record, labels: { ...own, ...record.labels } };
  }

  #records(namespace: string): SnapshotRecords {
    return new SnapshotRecords(this.name, namespace);
  }

  #ancestors(records: SnapshotRecords, parent: string): string[] {
    return records.ancestors(this.#metadata.read, parent).map((id) => this.#directories.path(id));
  }
}

async function requireDirectory(tried: string, key: string, path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new EngineError(
      'data-loss',
      `Cannot ${tried} snapshot "${key}": its directory "${path}" is gone; remove it`,
      {
        cause: error,
      },
    );
  }
}
