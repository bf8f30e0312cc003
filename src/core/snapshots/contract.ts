/**
 * Snapshots: file trees that grow by layers.
 *
 * A layer's life, worked through: `prepare('extract-1', parent)` makes an active snapshot and says how to mount it;
 * somebody mounts it, applies the layer's tar and unmounts; `commit('sha256:chain', 'extract-1')` freezes it under its
 * chain id. A container's root is `prepare(containerId, topChainId)`, and `remove(containerId)` ends it. A view is
 * read-only and never committed. A committed snapshot with children cannot be removed.
 *
 * Keys belong to a namespace: two namespaces never see each other's snapshots.
 */
import type { Labels } from '#/base/any.ts';
import type { Logger } from '#/base/log.ts';
import type { Metadata, SnapshotRecord, WriteOptions } from '#/core/metadata/contract.ts';

/** A mount as containerd's clients carry it out: `mount -t type -o options source`. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  /** A directory below the first mount of a list; '' and absent are the same. */
  readonly target?: string;
  readonly options: readonly string[];
}

export interface SnapshotUsage {
  readonly size: number;
  readonly inodes: number;
}

export interface PrepareOptions extends WriteOptions {
  readonly labels?: Labels;
  readonly lease?: string;
}

export interface CommitOptions extends PrepareOptions {
  /** Puts a snapshot that was prepared without a parent onto this one: `rebase`. */
  readonly parent?: string;
  /** When it was counted already; a snapshotter may count again. */
  readonly usage?: SnapshotUsage;
}

/**
 * Abilities under containerd's names. `rebase`: `commit` takes a parent. `remap-ids`: mounts shift the owners of the
 * layers below by the id-mapping labels. `only-remap-ids`: nobody shall change the owners of a copy instead.
 */
export type SnapshotterCapability = 'rebase' | 'remap-ids' | 'only-remap-ids';

export interface Snapshotter extends AsyncDisposable {
  readonly name: string;
  /** The directory that holds everything; '' when another process keeps it and does not say where. */
  readonly root: string;
  /** `SnapshotterCapability`, and what another process says of itself. */
  readonly capabilities: readonly string[];
  /**
   * Whether a layer's labels shall say where it comes from: `prepare` may then make the target by itself, without the
   * layer's blob, and answers `already-exists`.
   */
  readonly lazy?: boolean;
  /** Facts told to clients. */
  readonly exports: Readonly<Record<string, string>>;
  /** `already-exists` for a taken key, `not-found` for an unknown parent, `invalid-argument` for an uncommitted one. */
  prepare(namespace: string, key: string, parent: string, options?: PrepareOptions): Promise<Mount[]>;
  view(namespace: string, key: string, parent: string, options?: PrepareOptions): Promise<Mount[]>;
  /** `failed-precondition` for a committed key. */
  mounts(namespace: string, key: string): Promise<Mount[]>;
  /**
   * Freezes `key` as `name` with exactly these labels. `already-exists`, `not-found`, `failed-precondition` (a view).
   * With a parent, `key` must have none or that one: else `invalid-argument`; the parent must be committed.
   */
  commit(namespace: string, name: string, key: string, options?: CommitOptions): Promise<void>;
  /** `failed-precondition` while it has children. */
  remove(namespace: string, key: string, options?: WriteOptions): Promise<void>;
  /** The record, with the labels that the snapshotter itself adds; throws `not-found`. */
  stat(namespace: string, key: string): Promise<SnapshotRecord>;
  setLabels(namespace: string, key: string, change: (labels: Labels) => Labels): Promise<SnapshotRecord>;
  list(namespace: string): Promise<SnapshotRecord[]>;
  /** Bytes on disk (hard links once) and inodes of this snapshot alone. */
  usage(namespace: string, key: string): Promise<SnapshotUsage>;
  /** Removes directories that no record names. */
  cleanup(): Promise<void>;
  /** Removes what these records named, which the collector has deleted. Without it, `cleanup` is to find that. */
  discard?(records: readonly SnapshotRecord[]): Promise<void>;
}

export interface SnapshotterContext {
  readonly root: string;
  /** Of this start of the machine; found out when it is not given. */
  readonly bootId?: string;
  readonly metadata: Metadata;
  readonly logger?: Logger;
}

export type OpenSnapshotter = (context: SnapshotterContext) => Promise<Snapshotter>;

/** The snapshotters of this daemon by name. */
export type Snapshotters = ReadonlyMap<string, Snapshotter>;
