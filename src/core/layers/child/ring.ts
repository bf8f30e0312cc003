/**
 * A ring of byte slots in shared memory between one producer and two consumers, each a thread. Every consumer sees every
 * byte; the producer waits for the slower one. Waiting blocks the thread: this is for the unpack child only.
 */

/** Who reads: the thread that works on the bytes (untar or deflate), and the one that hashes them. */
export type RingConsumer = 'worker' | 'hasher';

const slotCount = 16;
export const slotSize: number = 256 * 1024;

/** Places in the control words. */
const word = { state: 0, produced: 1, worker: 2, hasher: 3, forConsumers: 4, forProducer: 5, lengths: 6 } as const;

const state = { open: 0, ended: 1, cancelled: 2 } as const;

const controlBytes = (word.lengths + slotCount) * Int32Array.BYTES_PER_ELEMENT;

export class Ring {
  /** Give this to another thread and make a Ring of it there. */
  readonly memory: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #slots: readonly Uint8Array[];

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(controlBytes + slotCount * slotSize)) {
    this.memory = memory;
    this.#control = new Int32Array(memory, 0, word.lengths + slotCount);
    this.#slots = Array.from(
      { length: slotCount },
      (_, index) => new Uint8Array(memory, controlBytes + index * slotSize, slotSize),
    );
  }

  /** Makes it new; only while no thread is at work on it. */
  reset(): void {
    this.#control.fill(0);
  }

  get isCancelled(): boolean {
    return Atomics.load(this.#control, word.state) === state.cancelled;
  }

  /** Ends it for all: everybody who waits wakes up. */
  cancel(): void {
    this.#setState(state.cancelled);
  }

  /** Says that the last slot has been published. */
  end(): void {
    this.#setState(state.ended);
  }

  /** The next slot to fill, undefined once the ring is cancelled. */
  acquire(): Uint8Array | undefined {
    const produced = Atomics.load(this.#control, word.produced);
    for (;;) {
      const seen = Atomics.load(this.#control, word.forProducer);
      if (this.isCancelled) return undefined;
      if (this.#ahead(produced, 'worker') < slotCount && this.#ahead(produced, 'hasher') < slotCount)
        return this.#slots[this.#indexOf(produced)];
      Atomics.wait(this.#control, word.forProducer, seen);
    }
  }

  /** Hands the acquired slot to the consumers. */
  publish(length: number): void {
    const produced = Atomics.load(this.#control, word.produced);
    Atomics.store(this.#control, word.lengths + this.#indexOf(produced), length);
    Atomics.store(this.#control, word.produced, (produced + 1) | 0);
    this.#wake(word.forConsumers);
  }

  /** All slots in order; each is valid until the next is asked for. Ends early when the ring is cancelled. */
  *chunks(consumer: RingConsumer): Generator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#next(consumer);
      if (chunk === undefined) return;
      yield chunk;
      Atomics.store(this.#control, word[consumer], (Atomics.load(this.#control, word[consumer]) + 1) | 0);
      this.#wake(word.forProducer);
    }
  }

  #next(consumer: RingConsumer): Uint8Array | undefined {
    const taken = Atomics.load(this.#control, word[consumer]);
    for (;;) {
      const seen = Atomics.load(this.#control, word.forConsumers);
      const now = Atomics.load(this.#control, word.state);
      if (now === state.cancelled) return undefined;
      if (Atomics.load(this.#control, word.produced) !== taken) return this.#filled(taken);
      if (now === state.ended) return undefined;
      Atomics.wait(this.#control, word.forConsumers, seen);
    }
  }

  #filled(count: number): Uint8Array | undefined {
    const index = this.#indexOf(count);
    return this.#slots[index]?.subarray(0, Atomics.load(this.#control, word.lengths + index));
  }

  #ahead(produced: number, consumer: RingConsumer): number {
    return (produced - Atomics.load(this.#control, word[consumer])) | 0;
  }

  #indexOf(count: number): number {
    return (count >>> 0) % slotCount;
  }

  #setState(to: number): void {
    Atomics.store(this.#control, word.state, to);
    this.#wake(word.forConsumers);
    this.#wake(word.forProducer);
  }

  #wake(bell: number): void {
    Atomics.add(this.#control, bell, 1);
    Atomics.notify(this.#control, bell);
  }
}

/** Fills a ring slot by slot, from pieces of any size. */
export class RingWriter {
  readonly #ring: Ring;
  #slot: Uint8Array | undefined;
  #filled = 0;
  #total = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Bytes given so far. */
  get total(): number {
    return this.#total;
  }

  /** The free part of the current slot, never empty; undefined once the ring is cancelled. */
  space(): Uint8Array | undefined {
    this.#slot ??= this.#ring.acquire();
    return this.#slot?.subarray(this.#filled);
  }

  /** Says that `count` bytes of the space were filled. */
  advance(count: number): void {
    this.#filled += count;
    this.#total += count;
    if (this.#filled === slotSize) this.#publish();
  }

  /** Copies; false once the ring is cancelled. */
  write(bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length;) {
      const space = this.space();
      if (space === undefined) return false;
      const part = bytes.subarray(done, done + space.length);
      space.set(part);
      this.advance(part.length);
      done += part.length;
    }
    return true;
  }

  end(): void {
    if (this.#filled > 0) this.#publish();
    this.#ring.end();
  }

  #publish(): void {
    this.#ring.publish(this.#filled);
    this.#slot = undefined;
    this.#filled = 0;
  }
}
