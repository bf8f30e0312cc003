import { now, type Nanoseconds } from '#/base/clock.ts';

/** What people's tools are told, in Docker's words: `docker events`. */
export interface EngineEvent {
  readonly namespace: string;
  readonly type: 'container' | 'image';
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly time: Nanoseconds;
}

export type EngineEventListener = (event: EngineEvent) => void;

const remembered = 1024;

/** Tells engine events to listeners and remembers the last ones for `since`. Listeners must not block or throw. */
export class EngineEvents {
  readonly #listeners = new Set<EngineEventListener>();
  readonly #history: EngineEvent[] = [];

  publish(event: Omit<EngineEvent, 'time'>): void {
    const stamped = { ...event, time: now() };
    this.#history.push(stamped);
    if (this.#history.length > remembered) this.#history.shift();
    for (const listener of this.#listeners) listener(stamped);
  }

  /** Events after `since`, oldest first, as far back as they are remembered. */
  history(since: Nanoseconds): EngineEvent[] {
    return this.#history.filter(({ time }) => time >= since);
  }

  /** Returns the way to stop listening. */
  listen(listener: EngineEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
