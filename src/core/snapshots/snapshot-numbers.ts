import type { Metadata } from '#/core/metadata/contract.ts';

const atOnce = 16;

/** Numbers of one snapshotter's snapshots, taken in small lots: most snapshots then wait for the disk once less. */
export class SnapshotNumbers {
  readonly #metadata: Metadata;
  readonly #counter: string;
  #ready: number[] = [];

  constructor(metadata: Metadata, snapshotter: string) {
    this.#metadata = metadata;
    this.#counter = `snapshots/${snapshotter}`;
  }

  /** A number that a power cut gives back has no record yet, and what has its name goes with the next cleanup. */
  async next(): Promise<number> {
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    const [first = 0, ...rest] = await this.#metadata.write(
      (tx) => Array.from({ length: atOnce }, () => tx.nextNumber(this.#counter)),
      { durable: false },
    );
    this.#ready.push(...rest);
    return first;
  }
}
