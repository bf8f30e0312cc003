import { BoundedQueue } from '#/base/bounded-queue.ts';
import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { leaseNode, sourceNode } from '#/core/metadata/garbage-labels.ts';
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';

/** A two-way pipe to a client, opened by one call and used by another. */
export interface OpenStream {
  /** Waits while the client does not read. Throws `cancelled` when the stream is over. */
  send(value: TypedValue): Promise<void>;
  /** Drops the value when there is no room for it. */
  offer(value: TypedValue): void;
  /** The client's next value; undefined at its end. One reader at a time. */
  receive(): Promise<TypedValue | undefined>;
  /** Ends it; what was sent still goes. */
  close(): void;
  /** Resolves when it has ended and all that was sent is on its way. */
  readonly ended: Promise<void>;
}

export interface NewStream {
  readonly namespace: string;
  readonly id: string;
  /** The lease that it ends with. */
  readonly lease?: string;
  readonly incoming: AsyncIterable<TypedValue>;
  readonly signal: AbortSignal;
}

/** A stream as the call sees it that carries it; disposing of it says that nothing more goes. */
export interface CarriedStream extends Disposable {
  readonly outgoing: AsyncIterable<TypedValue>;
}

/** Values that wait for the client, and for us; those of clients may be as large as `largestValue`. */
const mostOutgoing = 2048;
const mostReceived = 64;
const largestValue = 1024 * 1024;
const maxStreams = 4096;
const longestId = 256;

interface Held {
  readonly namespace: string;
  readonly id: string;
  readonly lease: string | undefined;
  readonly stream: OpenStream;
}

const word = 'stream';

/** The streams that clients hold open, by namespace and id. */
export class Streams {
  readonly #open = new Map<string, Held>();

  /** Throws `already-exists` when the id is in use. The stream ends with the disposal, or with `signal`. */
  register({ namespace, id, lease, incoming, signal }: NewStream): CarriedStream {
    const key = keyOf(namespace, id);
    if (id === '' || id.length > longestId)
      throw new EngineError('invalid-argument', `Cannot open a stream: its id must have 1 to ${longestId} characters`);
    if (this.#open.has(key))
      throw new EngineError('already-exists', `Cannot open stream "${id}": there is one of that id already`);
    if (this.#open.size >= maxStreams)
      throw new EngineError('resource-exhausted', `Cannot open stream "${id}": ${maxStreams} are open`);
    const outgoing = new BoundedQueue<TypedValue>(mostOutgoing);
    const received = new BoundedQueue<TypedValue>(mostReceived);
    const isOver = new EngineError('cancelled', `Cannot use stream "${id}": it has ended`);
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    const close = (): void => {
      if (this.#open.get(key)?.stream === stream) this.#open.delete(key);
      signal.removeEventListener('abort', close);
      outgoing.close();
      received.close(isOver);
    };
    const stream = openStream(outgoing, received, { isOver, close, ended });
    this.#open.set(key, { namespace, id, lease, stream });
    signal.addEventListener('abort', close, { once: true });
    void pump(incoming, received);
    const dispose = (): void => {
      close();
      finish();
    };
    return { outgoing, [Symbol.dispose]: dispose };
  }

  get(namespace: string, id: string): OpenStream {
    const held = this.#open.get(keyOf(namespace, id));
    if (held !== undefined) return held.stream;
    throw new EngineError('not-found', `Cannot use stream "${id.slice(0, longestId)}": no stream of that id is open`);
  }

  /** To the collector, a stream is in use while it is open; one that was opened under a lease ends with the lease. */
  get source(): GarbageSource {
    const within = (namespace: string): Held[] =>
      [...this.#open.values()].filter((held) => held.namespace === namespace);
    return {
      word,
      scan: (namespace, visitor) => {
        for (const { id, lease } of within(namespace))
          if (lease === undefined) visitor.root(sourceNode(word, id));
          else visitor.reference(leaseNode(lease), sourceNode(word, id));
      },
      list: (namespace) => within(namespace).map(({ id }) => id),
      remove: async (namespace, id) => this.#open.get(keyOf(namespace, id))?.stream.close(),
    };
  }
}

const keyOf = (namespace: string, id: string): string => `${namespace} ${id}`;

function openStream(
  outgoing: BoundedQueue<TypedValue>,
  received: BoundedQueue<TypedValue>,
  end: { readonly isOver: EngineError; readonly close: () => void; readonly ended: Promise<void> },
): OpenStream {
  const reader = received[Symbol.asyncIterator]();
  return {
    send: async (value) => {
      if (!(await outgoing.push(value))) throw end.isOver;
    },
    offer: (value) => void outgoing.offer(value),
    receive: async () => {
      const next = await reader.next();
      return next.done === true ? undefined : next.value;
    },
    close: end.close,
    ended: end.ended,
  };
}

/** Hands on what comes, so that whoever reads is freed when the stream is closed from our side. */
async function pump(incoming: AsyncIterable<TypedValue>, received: BoundedQueue<TypedValue>): Promise<void> {
  try {
    for await (const value of incoming) {
      if (value.value.byteLength > largestValue)
        throw new EngineError('resource-exhausted', `Cannot take a message of more than ${largestValue} bytes`);
      if (!(await received.push(value))) return;
    }
    received.close();
  } catch (error) {
    received.close(error);
  }
}
