import type { GarbageSchedule } from '#/core/garbage/contract.ts';

/** What a collection is taken to hold the loop for at least, in milliseconds, when the next one is planned. */
const leastHeld = 5;
const firstInterval = 1000;

/** What happened since the last collection began, and when the next one may be. All times are milliseconds. */
export class Schedule {
  readonly #rules: GarbageSchedule;
  #deletions = 0;
  #mutations = 0;
  #dirty = false;
  #collections = 0;
  #held = 0;
  #interval = firstInterval;
  #isFirst = true;

  constructor(rules: GarbageSchedule) {
    this.#rules = rules;
  }

  noteDeletion(): void {
    this.#dirty = true;
    this.#deletions += 1;
  }

  noteMutation(): void {
    this.#mutations += 1;
    if (this.#dirty) this.#deletions += 1;
  }

  /** How long to wait until a collection; undefined: none is needed. */
  delay(): number | undefined {
    const { deletionThreshold, mutationThreshold, scheduleDelay } = this.#rules;
    if (deletionThreshold > 0 && this.#deletions >= deletionThreshold) return scheduleDelay;
    const isWorth = this.#deletions > 0 || (mutationThreshold > 0 && this.#mutations >= mutationThreshold);
    if (!isWorth) return undefined;
    return this.#isFirst ? scheduleDelay : this.#interval;
  }

  begin(): void {
    this.#deletions = 0;
    this.#mutations = 0;
    this.#dirty = false;
  }

  /** A collection is over: the longer they take, the longer the wait for the next one. */
  end(held: number): void {
    const { pauseThreshold } = this.#rules;
    this.#isFirst = false;
    this.#collections += 1;
    this.#held += held;
    if (pauseThreshold <= 0) return;
    const average = Math.max(leastHeld, this.#held / this.#collections);
    this.#interval = average / pauseThreshold - average;
  }

  /** A collection failed; what led to it is still to be done. Answers how long to wait until the next try. */
  fail(): number {
    const wait = this.#isFirst ? Math.max(this.#rules.scheduleDelay, firstInterval) : this.#interval + firstInterval;
    this.#isFirst = false;
    this.#dirty = true;
    this.#deletions += 1;
    return wait;
  }
}

/** As containerd takes what it is given: nothing negative, and half of all time at most. */
export function checkedSchedule(rules: GarbageSchedule): GarbageSchedule {
  return {
    pauseThreshold: Math.min(0.5, Math.max(0, rules.pauseThreshold)),
    deletionThreshold: rules.deletionThreshold,
    mutationThreshold: Math.max(0, rules.mutationThreshold),
    scheduleDelay: Math.max(0, rules.scheduleDelay),
    startupDelay: Math.max(0, rules.startupDelay),
  };
}
