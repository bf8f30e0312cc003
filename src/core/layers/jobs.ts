/** What the daemon and its unpack child say to each other: one JSON object a line. */
import type { ErrorKind } from '#/base/errors.ts';
import type { Compression, LayerUsage } from '#/core/layers/contract.ts';

export interface ApplyJob {
  readonly kind: 'apply';
  /** The blob. */
  readonly path: string;
  readonly compression: Compression | 'detect';
  /** Where the tree is mounted. */
  readonly target: string;
  readonly limit: number;
  readonly maxEntries: number;
  /** The directory of the layer's own files, to be counted afterwards. */
  readonly own: string | undefined;
  /** The tree is an upper layer alone: what it hides is marked for overlayfs. */
  readonly marks: boolean;
}

export interface DiffJob {
  readonly kind: 'diff';
  readonly lower: string | undefined;
  readonly upper: string;
  /** A directory above both trees. */
  readonly root: string;
  readonly compression: Compression;
  /** The archive to write. */
  readonly path: string;
  readonly sourceDateEpoch: number | undefined;
}

export type Job = ApplyJob | DiffJob;

/** The last line of a job: what came of it. Digests are sha256 in hex. */
export type Outcome =
  | { readonly kind: 'applied'; readonly diffId: string; readonly size: number; readonly usage?: LayerUsage }
  | { readonly kind: 'diffed'; readonly digest: string; readonly size: number; readonly diffId: string }
  | { readonly kind: 'failed'; readonly error: ErrorKind; readonly message: string };

export type Reply =
  | Outcome
  | { readonly kind: 'progress'; readonly consumed: number }
  | { readonly kind: 'warning'; readonly message: string };

/** The descriptor that the child writes its replies to. */
export const replyDescriptor = 3;

/** No line is longer: replies quote at most one name, which is cut. */
export const maxReplyLine: number = 64 * 1024;
