/**
 * Metadata: what berth knows, in one SQLite file.
 *
 * Reads are synchronous and see the last commit. Writes go through `write`: one transaction, and the promise resolves
 * only when it is on the disk, so whoever was told can rely on it. Each write to a named record appends a row to the
 * change log in the same transaction; engine, CRI, DNS and restart fold that log, at run time and at start.
 *
 * An intent says what is about to exist outside the database (paths, mounts, shims) before it does, so that the next
 * start can undo what a dead process left half-made.
 */
import type { Labels, TypedValue } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';

export interface Stamped {
  readonly labels: Labels;
  readonly createdAt: Nanoseconds;
  readonly updatedAt: Nanoseconds;
}

export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Labels;
}

/** A name for content: `docker.io/library/busybox:latest` → descriptor. */
export interface ImageRecord extends Stamped {
  readonly name: string;
  readonly target: Descriptor;
}

/** A container is configuration only; what runs is a task. Anys are kept byte-identical. */
export interface ContainerRecord extends Stamped {
  readonly id: string;
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: TypedValue };
  readonly spec: TypedValue;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly extensions: Readonly<Record<string, TypedValue>>;
  readonly sandbox: string;
}

/** A namespace's reference to a blob; the bytes live once for all namespaces. */
export interface ContentRecord extends Stamped {
  readonly digest: Digest;
  readonly size: number;
}

/** An unfinished upload. */
export interface IngestRecord {
  readonly ref: string;
  /** Directory name below the content store's `ingest`. */
  readonly directory: string;
  readonly expected: string;
  readonly total: number;
  /** When it is given up unless a lease keeps it; 0 for one that was begun under a lease and ends with it. */
  readonly expiresAt: Nanoseconds;
  readonly startedAt: Nanoseconds;
  readonly updatedAt: Nanoseconds;
}

export type SnapshotKind = 'active' | 'view' | 'committed';

export interface SnapshotRecord extends Stamped {
  readonly snapshotter: string;
  /** The client's key while active or view, the committed name afterwards. */
  readonly key: string;
  /** Number of the directory on disk. */
  readonly id: number;
  /** The name that another process keeps it under; absent when the files are ours. */
  readonly backendKey?: string;
  /** The boot of the machine since which its files may be in memory only; absent when they are on the disk. */
  readonly unsynced?: string;
  readonly kind: SnapshotKind;
  /** Key of the parent; '' for none. */
  readonly parent: string;
  /** Bytes and inodes as stored at commit; 0 while active. */
  readonly size: number;
  readonly inodes: number;
}

export interface LeaseRecord {
  readonly id: string;
  readonly labels: Labels;
  readonly createdAt: Nanoseconds;
}

/** `content` (id = digest), `ingests` (ref), `images` (name), `snapshots/<snapshotter>` (key). */
export interface LeaseResource {
  readonly type: string;
  readonly id: string;
}

/** What several containers share; its life is a shim's. Anys are kept byte-identical. */
export interface SandboxRecord extends Stamped {
  readonly id: string;
  readonly runtime: { readonly name: string; readonly options?: TypedValue };
  /** The controller that runs it. */
  readonly sandboxer: string;
  readonly spec?: TypedValue;
  readonly extensions: Readonly<Record<string, TypedValue>>;
}

/** A mount as an activation keeps it; `target` is a directory below the first mount of its list. */
export interface StoredMount {
  readonly type: string;
  readonly source: string;
  readonly target?: string;
  readonly options: readonly string[];
}

/** A mount that the daemon made for a client. */
export interface ActiveMount {
  readonly mount: StoredMount;
  /** A directory, or a link to a loop device. */
  readonly mountPoint: string;
  /** Decimal nanoseconds. */
  readonly mountedAt: string;
}

/** Mounts that the daemon makes and keeps under a name, so that a client can go on from them. */
export interface ActivationRecord extends Stamped {
  readonly name: string;
  /** Number of the directory with the mount points. */
  readonly id: number;
  /** False from before the first mount until all are made: what a dead daemon left so is undone. */
  readonly complete: boolean;
  /** The lease that keeps it; '' for none. */
  readonly lease: string;
  readonly active: readonly ActiveMount[];
  /** What the client is left to mount itself. */
  readonly system: readonly StoredMount[];
}

export type RecordKind =
  | 'namespace'
  | 'image'
  | 'container'
  | 'content'
  | 'ingest'
  | 'snapshot'
  | 'lease'
  | 'sandbox'
  | 'mount';

export interface Change {
  readonly seq: number;
  readonly namespace: string;
  readonly kind: RecordKind;
  /** The record's name within its kind; `<snapshotter>/<key>` for snapshots. */
  readonly id: string;
  readonly op: 'create' | 'update' | 'delete';
}

export interface Intent {
  readonly id: string;
  readonly namespace: string;
  /** Who undoes it: `task`, `container`, `snapshot`, … */
  readonly kind: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly createdAt: Nanoseconds;
}

/** Reading one kind of record. `get` throws `not-found` with a sentence that names the record. */
export interface ReadCollection<R> {
  find(namespace: string, key: string): R | undefined;
  get(namespace: string, key: string): R;
  list(namespace: string): R[];
  /** The next records in the order of their keys: a list too long for one turn of the loop is read in pages. */
  listAfter(namespace: string, key: string, limit: number): R[];
  /** Namespaces that hold a record with this key. */
  holders(key: string): string[];
}

/** Writing one kind of record, inside a transaction. */
export interface WriteCollection<R> extends ReadCollection<R> {
  /** Throws `already-exists`. Creates the namespace when it is unknown. */
  create(namespace: string, record: R): void;
  /** Replaces a record. Throws `not-found`. */
  update(namespace: string, record: R): void;
  /** Throws `not-found`. */
  delete(namespace: string, key: string): void;
}

/** Snapshots are keyed by snapshotter and key; the key passed to these methods is `snapshotRecordKey(snapshotter, key)`. */
export const snapshotRecordKey = (snapshotter: string, key: string): string => `${snapshotter}/${key}`;

export interface Reader {
  readonly images: ReadCollection<ImageRecord>;
  readonly containers: ReadCollection<ContainerRecord>;
  readonly content: ReadCollection<ContentRecord>;
  readonly ingests: ReadCollection<IngestRecord>;
  readonly snapshots: ReadCollection<SnapshotRecord>;
  readonly leases: ReadCollection<LeaseRecord>;
  readonly sandboxes: ReadCollection<SandboxRecord>;
  readonly mounts: ReadCollection<ActivationRecord>;
  findNamespace(name: string): NamespaceRecord | undefined;
  listNamespaces(): NamespaceRecord[];
  leaseResources(namespace: string, lease: string): LeaseResource[];
  /** The leases that list a resource. */
  leasesOf(namespace: string, resource: LeaseResource): string[];
  /** A snapshot that stands on this one, if there is any. */
  findChild(namespace: string, snapshotter: string, key: string): string | undefined;
  /** Whether a snapshot of any namespace has this number. */
  isSnapshotNumber(snapshotter: string, id: number): boolean;
  /** Whether an upload of any namespace is to link the blob. */
  isAwaited(digest: Digest): boolean;
  /** A name that people gave a container: unique within a namespace. */
  findName(namespace: string, name: string): string | undefined;
  /** All names of a namespace, `name → container id`. */
  listNames(namespace: string): ReadonlyMap<string, string>;
  listIntents(kind?: string): Intent[];
  /** Changes after `seq`, oldest first, at most `limit`. */
  changesSince(seq: number, limit: number): Change[];
  lastChange(): number;
  /** The oldest change still kept. Who has folded less than the one before it must read the records anew. */
  firstChange(): number;
}

export interface Transaction extends Reader {
  readonly images: WriteCollection<ImageRecord>;
  /** Deleting a container releases its names. */
  readonly containers: WriteCollection<ContainerRecord>;
  readonly content: WriteCollection<ContentRecord>;
  readonly ingests: WriteCollection<IngestRecord>;
  readonly snapshots: WriteCollection<SnapshotRecord>;
  readonly leases: WriteCollection<LeaseRecord>;
  readonly sandboxes: WriteCollection<SandboxRecord>;
  readonly mounts: WriteCollection<ActivationRecord>;
  /** Throws `already-exists`. */
  createNamespace(record: NamespaceRecord): void;
  /** Creates the namespace when it is unknown. */
  putNamespace(record: NamespaceRecord): void;
  /** Throws `not-found`, or `failed-precondition` naming what is left in it (leases and ingests do not count). */
  deleteNamespace(name: string): void;
  /** Adds a resource to a lease; the resource need not exist yet. Throws `not-found` for an unknown lease. */
  addLeaseResource(namespace: string, lease: string, resource: LeaseResource): void;
  removeLeaseResource(namespace: string, lease: string, resource: LeaseResource): void;
  /** Throws `conflict` naming the holder when another container has the name. */
  reserveName(namespace: string, name: string, containerId: string): void;
  releaseName(namespace: string, name: string): void;
  addIntent(intent: Intent): void;
  removeIntent(id: string): void;
  /** The next number of a counter that never repeats (snapshot directories, ingest directories). */
  nextNumber(counter: string): number;
}

export interface WriteOptions {
  /**
   * False resolves at the commit: it survives the daemon's death, and the machine's as soon as a later durable write
   * does. For steps on the way to an acknowledgement, never for the last one.
   */
  readonly durable?: boolean;
  /** Whether it is the collector that deletes. */
  readonly collecting?: boolean;
}

/** A record that the collector deleted. */
export type Removed =
  | { readonly kind: 'image'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'content'; readonly namespace: string; readonly digest: Digest }
  | { readonly kind: 'snapshot'; readonly namespace: string; readonly record: SnapshotRecord }
  | { readonly kind: 'ingest'; readonly namespace: string; readonly record: IngestRecord }
  | { readonly kind: 'lease'; readonly namespace: string; readonly id: string };

export interface CollectedRecords {
  readonly removed: readonly Removed[];
  /** Milliseconds that the event loop was held, all turns together. */
  readonly held: number;
}

export interface Metadata extends AsyncDisposable {
  readonly read: Reader;
  /**
   * Runs `change`, which must be synchronous, in one transaction. Resolves with its result when the transaction is
   * durable; rejects with what `change` threw, having changed nothing.
   */
  write<T>(change: (tx: Transaction) => T, options?: WriteOptions): Promise<T>;
  /** Calls `listener` after each durable write with the changes it made and its options. Returns the way to stop. */
  onChange(listener: (changes: readonly Change[], options: WriteOptions) => void): () => void;
  /**
   * Deletes what no image, container, lease or label keeps, in short turns of the event loop, and durably when it
   * resolves. What is kept or made while it runs is left alone. Images and leases go when they have expired. One at a time.
   */
  collectGarbage(): Promise<CollectedRecords>;
  /** Has the collector respect things beside the records. Returns the way to stop. */
  addGarbageSource(source: GarbageSource): () => void;
}
