import { setTimeout as delay } from 'node:timers/promises';
import { KeyedMutex } from '#/base/keyed-mutex.ts';
import type { CoreEvent, Envelope, Events, ForeignEvent } from '#/core/events/contract.ts';
import type { Registry } from '#/core/tasks/registry.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';

/** How long an exit is held back for the answer that tells of it, and how many events may be held in all. */
const holdLimit = 2000;
const mostHeld = 10_000;

/**
 * Publishes the events of shims: those of one container in the order in which they came, and an exit not before it is
 * known here, so that who hears of it finds it when asking.
 */
export class EventOrder {
  readonly #events: Events;
  readonly #registry: Registry<RunningTask>;
  readonly #order = new KeyedMutex();
  #held = 0;

  constructor(events: Events, registry: Registry<RunningTask>) {
    this.#events = events;
    this.#registry = registry;
  }

  forward(envelope: Envelope): void {
    const { namespace, event } = envelope;
    const key = 'containerId' in event ? `${namespace}/${event.containerId}` : '';
    const mustWait = this.#order.isHeld(key) || this.#unknownExit(namespace, event) !== undefined;
    if (key === '' || !mustWait || this.#held >= mostHeld) return this.#events.forward(envelope);
    this.#held += 1;
    void this.#order.run(key, async () => {
      await Promise.race([this.#unknownExit(namespace, event), delay(holdLimit, undefined, { ref: false })]).catch(
        () => {},
      );
      this.#held -= 1;
      this.#events.forward(envelope);
    });
  }

  /** The promise of an exit that the event tells of and that we have not been told yet. */
  #unknownExit(namespace: string, event: CoreEvent | ForeignEvent): Promise<unknown> | undefined {
    if (!('containerId' in event) || event.topic !== '/tasks/exit') return undefined;
    const task = this.#registry.find({ namespace, id: event.containerId });
    const process = task?.find(event.id === event.containerId ? '' : event.id);
    return process === undefined || process.exit !== undefined ? undefined : process.exited;
  }
}
