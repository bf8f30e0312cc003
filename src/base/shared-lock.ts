/** Many may share it; one that must be alone waits for those before it, and those after it wait for that one. */
export class SharedLock {
  readonly #shared = new Set<Promise<unknown>>();
  #lastAlone: Promise<unknown> = Promise.resolve();

  async share<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#lastAlone.then(work);
    const ended = settled(running);
    this.#shared.add(ended);
    try {
      return await running;
    } finally {
      this.#shared.delete(ended);
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    const running = Promise.all([this.#lastAlone, ...this.#shared]).then(work);
    this.#lastAlone = settled(running);
    return await running;
  }
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => undefined);
}
