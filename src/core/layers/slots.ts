import { EngineError } from '#/base/errors.ts';

/** A place that is held until it is disposed of. */
export type Slot = Disposable;

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (error: EngineError) => void;
}

/** A number of places that work has to wait for, first come, first served; the line has a limit too. */
export class Slots {
  readonly #maxWaiting: number;
  readonly #line = new Set<Waiter>();
  #free: number;
  #isClosed = false;

  constructor(count: number, maxWaiting: number) {
    this.#free = count;
    this.#maxWaiting = maxWaiting;
  }

  get areFree(): boolean {
    return !this.#isClosed && this.#free > 0;
  }

  async take(signal?: AbortSignal): Promise<Slot> {
    if (signal?.aborted === true) throw cancelled(signal);
    if (this.#isClosed) throw new EngineError('unavailable', 'the daemon is stopping');
    if (this.#free > 0) this.#free--;
    else if (this.#line.size >= this.#maxWaiting)
      throw new EngineError('resource-exhausted', `${this.#maxWaiting} others are waiting already; try again later`);
    else await this.#wait(signal);
    return { [Symbol.dispose]: () => this.#release() };
  }

  /** Refuses all who wait, and whoever comes. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#line) waiter.refuse(new EngineError('unavailable', 'the daemon is stopping'));
    this.#line.clear();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { admit: resolve, refuse: reject };
    const abort = (): void => {
      if (this.#line.delete(waiter)) reject(cancelled(signal));
    };
    this.#line.add(waiter);
    signal?.addEventListener('abort', abort, { once: true });
    return promise.finally(() => signal?.removeEventListener('abort', abort));
  }

  /** A slot goes straight to the first in line. */
  #release(): void {
    const [next] = this.#line;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#line.delete(next);
    next.admit();
  }
}

function cancelled(signal: AbortSignal | undefined): EngineError {
  return new EngineError('cancelled', 'it was cancelled', { cause: signal?.reason });
}
