/**
 * A queue between one or more writers and one reader. `push` waits while the queue is full, so a slow reader slows its
 * writer; `offer` never waits and says whether there was room.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #readable: (() => void) | undefined;
  #writable: (() => void)[] = [];
  #closed = false;
  #failure: unknown;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.length;
  }

  offer(item: T): boolean {
    if (this.#closed || this.#items.length >= this.#limit) return false;
    this.#items.push(item);
    this.#wakeReader();
    return true;
  }

  /** Resolves to false when the queue was closed and the item was not taken. */
  async push(item: T): Promise<boolean> {
    while (!this.#closed && this.#items.length >= this.#limit)
      await new Promise<void>((resolve) => this.#writable.push(resolve));
    return this.offer(item);
  }

  /** What is queued is still read; then the reader ends, or throws `failure`. */
  close(failure?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = failure;
    this.#wakeReader();
    this.#wakeWriters();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          this.#wakeWriters();
          yield item;
        } else if (this.#closed) {
          if (this.#failure !== undefined) throw this.#failure;
          return;
        } else {
          await new Promise<void>((resolve) => (this.#readable = resolve));
        }
      }
    } finally {
      this.close();
    }
  }

  #wakeReader(): void {
    this.#readable?.();
    this.#readable = undefined;
  }

  #wakeWriters(): void {
    const waiting = this.#writable;
    this.#writable = [];
    for (const wake of waiting) wake();
  }
}
