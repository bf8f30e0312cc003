import { BoundedQueue } from '#/base/bounded-queue.ts';
import { now as wallClock, type Nanoseconds } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { Envelope, Events } from '#/core/events/contract.ts';

export interface CreateEvents {
  /** Envelopes that may wait for one subscriber. */
  readonly queueLimit?: number;
  /** Envelopes that `history` remembers. */
  readonly historyLimit?: number;
  readonly now?: () => Nanoseconds;
}

export function createEvents({ queueLimit = 10_000, historyLimit = 1000, now = wallClock }: CreateEvents = {}): Events {
  const subscribers = new Set<BoundedQueue<Envelope>>();
  const recent = createHistory(historyLimit);

  const deliver = (envelope: Envelope): void => {
    recent.add(envelope);
    for (const queue of subscribers) {
      if (queue.offer(envelope)) continue;
      subscribers.delete(queue);
      queue.close(fellBehind(queueLimit));
    }
  };

  return {
    publish: (namespace, event) => deliver({ timestamp: now(), namespace, event }),
    forward: deliver,
    subscribe: (signal) => {
      const queue = new BoundedQueue<Envelope>(queueLimit);
      // Listening starts now, not when the reader first asks, so that nothing in between is missed.
      subscribers.add(queue);
      return readUntil(queue, signal, () => subscribers.delete(queue));
    },
    history: (since) => recent.since(since),
  };
}

/** Ends quietly, dropping what is queued, when `signal` aborts. `leave` is called once, however it ends. */
function readUntil(queue: BoundedQueue<Envelope>, signal: AbortSignal, leave: () => void): AsyncIterable<Envelope> {
  const stop = (): void => {
    leave();
    queue.close();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for await (const envelope of queue) {
          if (signal.aborted) return;
          yield envelope;
        }
      } finally {
        signal.removeEventListener('abort', stop);
        stop();
      }
    },
  };
}

function fellBehind(limit: number): EngineError {
  return new EngineError(
    'resource-exhausted',
    `Cannot go on sending events: the subscriber is ${limit} events behind; subscribe again and read the present state`,
  );
}

interface History {
  add(envelope: Envelope): void;
  since(time: Nanoseconds): Envelope[];
}

/** A ring of the last `limit` envelopes. */
function createHistory(limit: number): History {
  const ring: Envelope[] = [];
  let oldest = 0;
  return {
    add: (envelope) => {
      if (ring.length < limit) {
        ring.push(envelope);
        return;
      }
      ring[oldest] = envelope;
      oldest = (oldest + 1) % limit;
    },
    since: (time) => [...ring.slice(oldest), ...ring.slice(0, oldest)].filter(({ timestamp }) => timestamp >= time),
  };
}
