import type { Labels } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import {
  snapshotRecordKey,
  type LeaseResource,
  type Metadata,
  type Reader,
  type SnapshotKind,
  type SnapshotRecord,
  type Transaction,
} from '#/core/metadata/contract.ts';
import type { SnapshotUsage } from '#/core/snapshots/contract.ts';

export interface NewSnapshot {
  readonly key: string;
  readonly parent: string;
  readonly kind: Exclude<SnapshotKind, 'committed'>;
  readonly id: number;
  readonly backendKey?: string;
  readonly labels: Labels;
  readonly lease: string | undefined;
}

/** A committed snapshot that another process has made by itself. */
export type AdoptedSnapshot = Omit<NewSnapshot, 'kind'>;

export interface CommitSnapshot {
  readonly name: string;
  readonly key: string;
  readonly id: number;
  /** Where it stands from now on. */
  readonly parent: string;
  readonly backendKey?: string;
  readonly unsynced?: string;
  readonly usage: SnapshotUsage;
  readonly labels: Labels;
  readonly lease: string | undefined;
}

/** The records of one snapshotter in one namespace. The functions that take a transaction are one write each. */
export class SnapshotRecords {
  readonly #snapshotter: string;
  readonly #namespace: string;

  constructor(snapshotter: string, namespace: string) {
    this.#snapshotter = snapshotter;
    this.#namespace = namespace;
  }

  find(read: Reader, key: string): SnapshotRecord | undefined {
    return read.snapshots.find(this.#namespace, this.#recordKey(key));
  }

  /** Throws `not-found`. */
  get(read: Reader, key: string): SnapshotRecord {
    const record = this.find(read, key);
    if (record !== undefined) return record;
    throw this.#error('not-found', 'find', key, 'no such snapshot');
  }

  list(read: Reader): SnapshotRecord[] {
    return read.snapshots.list(this.#namespace).filter((record) => record.snapshotter === this.#snapshotter);
  }

  /** The committed snapshot to build on. `not-found`, or `invalid-argument` when it is not committed. */
  getParent(read: Reader, parent: string): SnapshotRecord {
    const record = this.find(read, parent);
    if (record === undefined) throw this.#error('not-found', 'build on', parent, 'no such parent');
    if (record.kind === 'committed') return record;
    throw this.#error('invalid-argument', 'build on', parent, `it is ${record.kind}, not committed`);
  }

  /** Numbers of the directories that a snapshot stands on, its parent's first. */
  ancestors(read: Reader, parent: string): number[] {
    const ids: number[] = [];
    for (let key = parent; key !== '';) {
      const record = this.get(read, key);
      ids.push(record.id);
      key = record.parent;
    }
    return ids;
  }

  /** The snapshot that can be mounted. `failed-precondition` for a committed one. */
  getMountable(read: Reader, key: string): SnapshotRecord {
    const record = this.get(read, key);
    if (record.kind !== 'committed') return record;
    throw this.#error('failed-precondition', 'mount', key, 'it is committed; prepare or view a snapshot on it');
  }

  /**
   * The parent that a snapshot is committed with. `invalid-argument` when it would change, `not-found`, or
   * `failed-precondition` when it is not committed.
   */
  parentOfCommit(read: Reader, { key, parent }: SnapshotRecord, wanted: string): string {
    if (wanted === '' || wanted === parent) return parent;
    if (parent !== '') throw this.#error('invalid-argument', 'commit', key, `its parent is "${parent}" and stays so`);
    const base = this.find(read, wanted);
    if (base === undefined) throw this.#error('not-found', 'commit', key, `there is no parent "${wanted}"`);
    if (base.kind !== 'committed')
      throw this.#error('failed-precondition', 'commit', key, `its parent "${wanted}" is ${base.kind}, not committed`);
    return wanted;
  }

  /** The active snapshot that can be committed. `failed-precondition` for any other. */
  getCommittable(read: Reader, key: string): SnapshotRecord {
    const record = this.get(read, key);
    if (record.kind === 'active') return record;
    throw this.#error('failed-precondition', 'commit', key, `it is ${record.kind}, not active`);
  }

  create(tx: Transaction, snapshot: NewSnapshot): SnapshotRecord {
    return this.#create(tx, snapshot);
  }

  adopt(tx: Transaction, snapshot: AdoptedSnapshot): SnapshotRecord {
    return this.#create(tx, { ...snapshot, kind: 'committed' });
  }

  #create(tx: Transaction, { lease, ...snapshot }: AdoptedSnapshot & Pick<SnapshotRecord, 'kind'>): SnapshotRecord {
    if (snapshot.parent !== '') this.getParent(tx, snapshot.parent);
    const at = now();
    const record: SnapshotRecord = {
      ...snapshot,
      snapshotter: this.#snapshotter,
      size: 0,
      inodes: 0,
      createdAt: at,
      updatedAt: at,
    };
    tx.snapshots.create(this.#namespace, record);
    this.hold(tx, lease, snapshot.key);
    return record;
  }

  /** Makes the active `key` the committed `name`; the leases that held the one hold the other. */
  commit(tx: Transaction, { name, key, id, parent, backendKey, unsynced, usage, labels, lease }: CommitSnapshot): void {
    const active = this.getCommittable(tx, key);
    if (active.id !== id) throw this.#error('aborted', 'commit', key, 'it was replaced meanwhile; try again');
    this.parentOfCommit(tx, active, parent);
    const at = now();
    tx.snapshots.delete(this.#namespace, this.#recordKey(key));
    tx.snapshots.create(this.#namespace, {
      ...active,
      ...usage,
      key: name,
      parent,
      ...(backendKey === undefined ? {} : { backendKey }),
      ...(unsynced === undefined ? {} : { unsynced }),
      kind: 'committed',
      labels,
      createdAt: at,
      updatedAt: at,
    });
    for (const holder of tx.leasesOf(this.#namespace, this.#resource(key))) {
      tx.removeLeaseResource(this.#namespace, holder, this.#resource(key));
      this.hold(tx, holder, name);
    }
    this.hold(tx, lease, name);
  }

  /** `failed-precondition` while something stands on it. Returns the number of its directory. */
  delete(tx: Transaction, key: string): number {
    const record = this.get(tx, key);
    const child = record.kind === 'committed' ? tx.findChild(this.#namespace, this.#snapshotter, key) : undefined;
    if (child !== undefined)
      throw this.#error('failed-precondition', 'remove', key, `snapshot "${child}" is built on it`);
    tx.snapshots.delete(this.#namespace, this.#recordKey(key));
    return record.id;
  }

  setLabels(tx: Transaction, key: string, change: (labels: Labels) => Labels): SnapshotRecord {
    const before = this.get(tx, key);
    const after: SnapshotRecord = { ...before, labels: change(before.labels), updatedAt: now() };
    tx.snapshots.update(this.#namespace, after);
    return after;
  }

  /** Has a lease keep a snapshot. Throws `not-found` for an unknown lease. */
  hold(tx: Transaction, lease: string | undefined, key: string): void {
    if (lease !== undefined) tx.addLeaseResource(this.#namespace, lease, this.#resource(key));
  }

  /** The same for a snapshot that was seen a moment ago; false when it is gone by now. */
  async holdIfThere(metadata: Metadata, lease: string | undefined, key: string): Promise<boolean> {
    if (lease === undefined) return this.find(metadata.read, key) !== undefined;
    return await metadata.write((tx) => {
      if (this.find(tx, key) === undefined) return false;
      this.hold(tx, lease, key);
      return true;
    });
  }

  alreadyExists(tried: string, key: string): EngineError {
    return this.#error('already-exists', tried, key, 'it exists already');
  }

  #resource(key: string): LeaseResource {
    return { type: `snapshots/${this.#snapshotter}`, id: key };
  }

  #recordKey(key: string): string {
    return snapshotRecordKey(this.#snapshotter, key);
  }

  #error(kind: EngineError['kind'], tried: string, key: string, why: string): EngineError {
    const where = `of ${this.#snapshotter} in namespace "${this.#namespace}"`;
    return new EngineError(kind, `Cannot ${tried} snapshot "${key}" ${where}: ${why}`);
  }
}
