/** Garbage: what no image, container, lease or label keeps goes; first its records, then its files. */
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';
import type { Digest } from '#/oci/digest.ts';

/** When collections run that nobody asked for, as in containerd's `io.containerd.gc.v1.scheduler`. */
export interface GarbageSchedule {
  /** The share of time that collections may take, on the average; at most 0.5. 0: one every second at most. */
  readonly pauseThreshold: number;
  /** So many deletions lead to a collection at once; 0: they wait for the next turn. */
  readonly deletionThreshold: number;
  /** So many writes lead to a collection at the next turn, even without a deletion; 0: never. */
  readonly mutationThreshold: number;
  /** Milliseconds to wait before a collection that was asked for. */
  readonly scheduleDelay: number;
  /** Milliseconds from the start to the first collection; 0: there is none. */
  readonly startupDelay: number;
}

export const defaultSchedule: GarbageSchedule = {
  pauseThreshold: 0.02,
  deletionThreshold: 0,
  mutationThreshold: 100,
  scheduleDelay: 0,
  startupDelay: 100,
};

export interface Collected {
  readonly deleted: readonly Digest[];
  /** Bytes of blobs. */
  readonly freed: number;
}

export interface Garbage extends AsyncDisposable {
  readonly schedule: GarbageSchedule;
  /** Collects now. When it resolves, a collection is over that began after the call, its files gone as well. */
  collect(): Promise<Collected>;
  /** Something lost what kept it other than by the deletion of a record. */
  noteDeletion(): void;
  /** Has collections respect things beside the records. Returns the way to stop. */
  addSource(source: GarbageSource): () => void;
}
