/**
 * Content: immutable blobs, named by their digest.
 *
 * Bytes are stored once under `blobs/<algorithm>/<hex>`; each namespace that may see them has a record with labels. A
 * blob arrives through an ingest: a file that grows, can be left and resumed under its ref, and becomes a blob only by
 * a commit that has checked size and digest. Deleting removes a namespace's record; the bytes go when none is left.
 */
import type { Labels } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import type { ContentRecord, IngestRecord } from '#/core/metadata/contract.ts';
import type { Digest } from '#/oci/digest.ts';

export interface IngestStatus {
  readonly ref: string;
  readonly offset: number;
  /** 0 when unknown. */
  readonly total: number;
  /** '' when unknown. */
  readonly expected: string;
  readonly startedAt: Nanoseconds;
  readonly updatedAt: Nanoseconds;
}

export interface OpenIngest {
  readonly ref: string;
  readonly total?: number;
  readonly expected?: Digest;
  /** Lease that keeps the ingest, and the blob after it. */
  readonly lease?: string;
  /** Whether it outlives the lease, to be taken up again within a day. */
  readonly resumable?: boolean;
}

export interface CommitIngest {
  readonly size?: number;
  readonly expected?: Digest;
  readonly labels?: Labels;
}

/** One open upload: at most one holder per namespace and ref. Closing without a commit keeps the data for a resume. */
export interface Ingest extends AsyncDisposable {
  status(): IngestStatus;
  /** The sha256 of what has been written so far. */
  digest(): Digest;
  /** Appends; resolves when the bytes are with the kernel. A full disk is `resource-exhausted`. */
  write(chunk: Uint8Array): Promise<void>;
  /** Back to nothing, as a client's offset 0 asks. */
  truncate(): Promise<void>;
  setTotal(total: number): void;
  /**
   * Makes the blob: durable when this resolves. `failed-precondition` when size or digest differ (the data is kept),
   * `already-exists` when the namespace has the blob already (the ingest is dropped, the lease gets the blob).
   */
  commit(options?: CommitIngest): Promise<ContentRecord>;
}

export interface ReadRange {
  readonly offset?: number;
  /** To the end when it is absent, 0, or reaches beyond. */
  readonly length?: number;
}

/**
 * Who may start an upload complete because the bytes are here already: with `shared` everybody who names their digest,
 * with `isolated` only when a namespace that has them is labelled `containerd.io/namespace.shareable=true`.
 */
export type SharingPolicy = 'shared' | 'isolated';

export interface ContentStore {
  readonly sharing: SharingPolicy;
  /** Throws `not-found`, also for a blob that only another namespace has. */
  info(namespace: string, digest: Digest): ContentRecord;
  find(namespace: string, digest: Digest): ContentRecord | undefined;
  list(namespace: string): ContentRecord[];
  /** The same in pages, for as many as there may be, with a turn of the loop between them. What is added meanwhile may be missing. */
  pages(namespace: string): AsyncIterable<readonly ContentRecord[]>;
  /** Whether the namespace has the blob; if so, `lease` keeps it from now on. */
  hold(namespace: string, digest: Digest, lease: string | undefined): Promise<boolean>;
  setLabels(namespace: string, digest: Digest, change: (labels: Labels) => Labels): Promise<ContentRecord>;
  delete(namespace: string, digest: Digest): Promise<void>;
  /** Where the bytes are, for parts that read files themselves. Throws `not-found`. */
  blobPath(namespace: string, digest: Digest): string;
  read(namespace: string, digest: Digest, range?: ReadRange): AsyncIterable<Uint8Array>;
  /** The whole blob, for manifests and configs. Throws `resource-exhausted` when it is larger than `limit` bytes. */
  readWhole(namespace: string, digest: Digest, limit: number): Promise<Uint8Array>;
  /**
   * Opens or resumes an upload. `unavailable` while another holds the ref; `already-exists` when `expected` is known
   * here (and the lease then holds it). When another namespace has `expected`, the ingest starts complete.
   */
  openIngest(namespace: string, options: OpenIngest): Promise<Ingest>;
  ingestStatus(namespace: string, ref: string): Promise<IngestStatus>;
  listIngests(namespace: string): Promise<IngestStatus[]>;
  abortIngest(namespace: string, ref: string): Promise<void>;
  /** Lets go of an upload whose record the collector has deleted: its holder can do nothing more, its bytes go. */
  discardIngest(namespace: string, record: IngestRecord): Promise<void>;
  /** Writes a small blob in one go; an existing one is fine and gets the labels it lacks. */
  put(
    namespace: string,
    data: Uint8Array,
    options?: { readonly labels?: Labels; readonly lease?: string },
  ): Promise<ContentRecord>;
  /** Deletes blob files that no namespace references. Returns the bytes freed. */
  sweep(): Promise<number>;
}
