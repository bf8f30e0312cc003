import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work of many small steps may hold the event loop at a time, in milliseconds. */
const longestSlice = 0.5;

/**
 * Cuts long synchronous work into short turns of the event loop:
 *
 *     for (const item of many) {
 *       if (slices.isOver) await slices.next();
 *       workOn(item);
 *     }
 */
export class TimeSlices {
  readonly #longest: number;
  #began = performance.now();
  #held = 0;

  constructor(longest: number = longestSlice) {
    this.#longest = longest;
  }

  /** Whether this turn has had its time. */
  get isOver(): boolean {
    return performance.now() - this.#began >= this.#longest;
  }

  /** Milliseconds that the loop was held in all turns so far. */
  get held(): number {
    return this.#held + performance.now() - this.#began;
  }

  /** Lets the event loop run, and begins the next turn. */
  async next(): Promise<void> {
    this.pause();
    await nextTurn();
    this.resume();
  }

  /** Before waiting for something else: what follows until `resume` is not counted. */
  pause(): void {
    this.#held += performance.now() - this.#began;
    this.#began = performance.now();
  }

  resume(): void {
    this.#began = performance.now();
  }
}
