/** At most `limit` pieces of work at a time; the rest waits in order. */
export class Slots {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#limit) this.#busy += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy -= 1;
      else next();
    }
  }
}

/**
 * Waits for all. The first failure aborts the others by `stop`, and is thrown when all have ended, so that nothing goes
 * on behind the caller's back.
 */
export async function allOrStop(works: readonly Promise<unknown>[], stop: AbortController): Promise<void> {
  const failures: unknown[] = [];
  await Promise.all(
    works.map(async (work) => {
      try {
        await work;
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}
