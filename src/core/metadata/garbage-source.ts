/** What a source says of its things. Nodes are named as in garbage-labels.ts. */
export interface SourceVisitor {
  /** In use, with all that it keeps. */
  root(node: string): void;
  /** `keeper` keeps `kept`. A lease (`leaseNode`) may be a keeper. */
  reference(keeper: string, kept: string): void;
}

/**
 * Something beside the collector's own records that keeps them, or that they keep: sandboxes, mounts, streams. All its
 * functions are synchronous and quick, because they are asked again before every step of the sweep: what came into use
 * meanwhile is kept.
 */
export interface GarbageSource {
  /** Its word in `containerd.io/gc.ref.<word>`: things of `mount` are nodes `mounts/<key>`. Absent: nothing names them. */
  readonly word?: string;
  scan(namespace: string, visitor: SourceVisitor): void;
  /** Keys of the things that may be collected. */
  list(namespace: string): Iterable<string>;
  /** Takes a thing that nothing keeps out of use at once; what takes longer goes on in the promise. */
  remove(namespace: string, key: string): Promise<void>;
}
