const shards = 512;

/**
 * A set of nodes in many small sets: one of a hundred thousand would hold the event loop for milliseconds each time that
 * it grows.
 */
export class NodeSet {
  readonly #shards = Array.from({ length: shards }, () => new Set<string>());

  has(node: string): boolean {
    return this.#shardOf(node).has(node);
  }

  /** False when it was there before. */
  add(node: string): boolean {
    const shard = this.#shardOf(node);
    if (shard.has(node)) return false;
    shard.add(node);
    return true;
  }

  delete(node: string): boolean {
    return this.#shardOf(node).delete(node);
  }

  /** Names of one kind differ at their ends. */
  #shardOf(node: string): Set<string> {
    let hash = 0;
    for (let at = Math.max(0, node.length - 8); at < node.length; at++) hash = (hash * 31 + node.charCodeAt(at)) | 0;
    return this.#shards[(hash >>> 0) % shards] ?? new Set();
  }
}
