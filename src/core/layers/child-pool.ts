import { Slots } from '#/core/layers/slots.ts';
import { startUnpackChild, type UnpackChild } from '#/core/layers/unpack-child.ts';

export interface PoolLimits {
  /** Children at work at once. */
  readonly children: number;
  /** Callers that wait for one. */
  readonly waiting: number;
  /** How long a child without work is kept. */
  readonly idleMs: number;
}

/** Children that are started when there is work and end soon after the last of it. */
export class ChildPool implements AsyncDisposable {
  readonly #idleMs: number;
  readonly #slots: Slots;
  readonly #idle = new Map<UnpackChild, NodeJS.Timeout>();
  /** Work under way, and children that are ending. */
  readonly #pending = new Set<Promise<unknown>>();

  constructor({ children, waiting, idleMs }: PoolLimits) {
    this.#idleMs = idleMs;
    this.#slots = new Slots(children, waiting);
  }

  /** Runs `work` with a child of its own; waits for one when all are busy. */
  async use<T>(work: (child: UnpackChild) => Promise<T>, signal?: AbortSignal): Promise<T> {
    using _slot = await this.#slots.take(signal);
    const child = this.#take();
    const working = work(child);
    try {
      return await this.#track(working);
    } finally {
      if (child.isAlive()) this.#keep(child);
    }
  }

  /** Starts a child ahead of the work that will need it; it ends by itself when none comes. */
  warm(): void {
    if (this.#idle.size === 0 && this.#slots.areFree) this.#keep(startUnpackChild());
  }

  /** Refuses new work, waits for what is under way, and ends the children. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#slots.close();
    while (this.#pending.size > 0 || this.#idle.size > 0) {
      for (const child of this.#idle.keys()) this.#retire(child);
      await Promise.allSettled(this.#pending);
    }
  }

  #take(): UnpackChild {
    for (const child of this.#idle.keys()) {
      this.#forget(child);
      if (child.isAlive()) return child;
    }
    return startUnpackChild();
  }

  #keep(child: UnpackChild): void {
    this.#idle.set(
      child,
      setTimeout(() => this.#retire(child), this.#idleMs),
    );
  }

  #forget(child: UnpackChild): void {
    clearTimeout(this.#idle.get(child));
    this.#idle.delete(child);
  }

  #retire(child: UnpackChild): void {
    this.#forget(child);
    void this.#track(child.stop());
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
    return tracked;
  }
}
