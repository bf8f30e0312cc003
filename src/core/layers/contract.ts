/**
 * Layers: a tar stream becomes a mounted tree, and the difference of two trees becomes a tar stream.
 *
 * The work runs in a child process that is chrooted into the tree, so nothing that an archive says can reach outside
 * it, and nothing holds the daemon's event loop.
 */
import type { Mount } from '#/core/snapshots/contract.ts';
import type { Digest } from '#/oci/digest.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

export interface ApplyLayer {
  /** The blob file. */
  readonly path: string;
  /** 'detect' looks at the first bytes. */
  readonly compression: Compression | 'detect';
  /** When it is given, the layer first goes through the stream processors that accept it. */
  readonly mediaType?: string;
  /** For stream processors, by their id. */
  readonly payloads?: ReadonlyMap<string, Uint8Array>;
  /** An overlay with nothing but an upper directory gets overlayfs's marks for what the layer hides. */
  readonly mounts: readonly Mount[];
  /** Bytes of the uncompressed stream after which it is refused as `resource-exhausted`. Default: by its own size. */
  readonly limit?: number;
  /** Also tell what the layer's own directory takes of the disk. */
  readonly withUsage?: boolean;
  /** Called now and then with the bytes of the blob consumed so far. */
  readonly onProgress?: (consumed: number) => void;
  readonly signal?: AbortSignal;
}

/** Bytes on the disk and inodes. */
export interface LayerUsage {
  readonly size: number;
  readonly inodes: number;
}

export interface AppliedLayer {
  /** Digest and size of the whole uncompressed stream, trailing padding included. */
  readonly diffId: Digest;
  readonly size: number;
  /** When it was asked for, and the mounts say to which directory they write. */
  readonly usage?: LayerUsage;
}

export interface DiffLayer {
  readonly lower: readonly Mount[];
  readonly upper: readonly Mount[];
  readonly compression: Compression;
  /** Where to write the archive. */
  readonly path: string;
  /** Clamps modification times, seconds since 1970. */
  readonly sourceDateEpoch?: number;
  readonly signal?: AbortSignal;
}

export interface DiffedLayer {
  /** The archive as written. */
  readonly digest: Digest;
  readonly size: number;
  /** The archive uncompressed. */
  readonly diffId: Digest;
}

export interface Layers extends AsyncDisposable {
  /** What `apply` makes of a media type by stream processors before it unpacks; the type itself where there is none. */
  processedType(mediaType: string): string;
  /** Work is about to come: what takes time to start is started now. Costs nothing when it runs already. */
  expect(): void;
  /**
   * Unpacks a layer onto the mounts: whiteouts, hard links, xattrs, file capabilities, devices, nanosecond times
   * (image-spec layer.md). `invalid-argument` for an archive that is malformed or names a place outside the root;
   * `data-loss` for a stream that does not decompress.
   */
  apply(layer: ApplyLayer): Promise<AppliedLayer>;
  diff(trees: DiffLayer): Promise<DiffedLayer>;
}
