/** Streams of containerd's Streaming service: messages both ways under an id that a transfer names. */
import { randomBytes } from 'node:crypto';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Streaming, StreamInitSchema } from '#/gen/containerd/services/streaming/v1/streaming_pb.ts';
import { anyOfValue, holdsMessage, packMessage, unpackMessage, valueOfAny } from '#/rpc/any.ts';

export interface MessageStream extends Disposable {
  readonly id: string;
  send<D extends DescMessage>(schema: D, message: MessageInitShape<D>): void;
  /** The next message of this kind; others are passed over. Undefined at the end. */
  receive<D extends DescMessage>(schema: D): Promise<MessageShape<D> | undefined>;
  /** No more will be sent. */
  endSending(): void;
}

/** Opens a stream that the daemon knows by its id when this resolves. */
export async function openStream(client: ContainerdClient, purpose: string): Promise<MessageStream> {
  const id = `${purpose}-${Date.now()}-${randomBytes(3).toString('base64url')}`;
  const outgoing = new Outgoing();
  const incoming = client.bidi(Streaming.method.stream, outgoing.messages());
  outgoing.push(anyOfValue(packMessage(StreamInitSchema, { id })));
  const { done } = await incoming.next();
  if (done === true) throw new EngineError('aborted', `Cannot open stream "${id}": the daemon ended it at once`);
  return {
    id,
    send: (schema, message) => outgoing.push(anyOfValue(packMessage(schema, message))),
    receive: async (schema) => {
      for (;;) {
        const next = await incoming.next();
        if (next.done === true) return undefined;
        const value = valueOfAny(next.value);
        if (holdsMessage(value, schema)) return unpackMessage(schema, value);
      }
    },
    endSending: () => outgoing.end(),
    [Symbol.dispose]: () => {
      outgoing.end();
      void incoming.return(undefined).catch(() => {});
    },
  };
}

/** What is to be sent, in order. Whoever fills it keeps to the window that the other side opens. */
class Outgoing {
  readonly #waiting: Any[] = [];
  #ended = false;
  #wake = Promise.withResolvers<void>();

  push(message: Any): void {
    this.#waiting.push(message);
    this.#wake.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  async *messages(): AsyncGenerator<Any> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }
}
