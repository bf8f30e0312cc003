import type { OpenStream } from '#/api/containerd/transfer/streams.ts';
import { EngineError } from '#/base/errors.ts';
import { DataSchema, WindowUpdateSchema } from '#/gen/containerd/types/transfer/streaming_pb.ts';
import { packMessage, unpackMessage } from '#/rpc/any.ts';

/** What a sender may have under way before we have taken it; clients send no message of more than 32 KiB. */
const receiveWindow = 1024 * 1024;
const topUp = receiveWindow / 2;
const longestData = 32 * 1024;
/** A receiver that has granted so much beyond what was sent has taken all of it. */
const settledWindow = 64 * 1024;
const settlePatience = 2000;

/** The bytes that a client sends, as fast as they are taken. Closing the iteration closes the stream. */
export async function* readBytes(stream: OpenStream, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let granted = 0;
  const close = (): void => stream.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      if (granted <= receiveWindow - topUp) {
        const update = granted === 0 ? receiveWindow : topUp;
        await stream.send(packMessage(WindowUpdateSchema, { update }));
        granted += update;
      }
      const value = await stream.receive();
      if (value === undefined) return;
      const { data } = unpackMessage(DataSchema, value);
      granted -= data.byteLength;
      if (granted < 0)
        throw new EngineError('resource-exhausted', 'Cannot read the stream: the client sends more than it may');
      yield data;
    }
  } finally {
    signal.removeEventListener('abort', close);
    stream.close();
  }
}

/** Sends bytes no faster than the client grants; resolves when it has taken them all, and closes the stream. */
export async function writeBytes(
  stream: OpenStream,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const window = new SendWindow(stream);
  const close = (): void => stream.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    for await (const chunk of source)
      for (let offset = 0; offset < chunk.byteLength;) {
        signal.throwIfAborted();
        const length = Math.min(await window.room(), longestData, chunk.byteLength - offset);
        await stream.send(packMessage(DataSchema, { data: chunk.subarray(offset, offset + length) }));
        window.take(length);
        offset += length;
      }
    await window.settled();
  } finally {
    signal.removeEventListener('abort', close);
    stream.close();
  }
}

/** Follows what the receiver grants. */
class SendWindow {
  readonly #stream: OpenStream;
  #room = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(stream: OpenStream) {
    this.#stream = stream;
    void this.#follow();
  }

  async room(): Promise<number> {
    while (this.#room <= 0 && !this.#ended) await this.#changed.promise;
    if (this.#room > 0) return this.#room;
    throw new EngineError('cancelled', 'Cannot write the stream: the client does not take any more');
  }

  take(length: number): void {
    this.#room -= length;
  }

  async settled(): Promise<void> {
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#ended = true;
      patience.resolve();
    }, settlePatience);
    while (this.#room < settledWindow && !this.#ended) await Promise.race([this.#changed.promise, patience.promise]);
    clearTimeout(timer);
  }

  async #follow(): Promise<void> {
    try {
      for (let value = await this.#stream.receive(); value !== undefined; value = await this.#stream.receive()) {
        this.#room += Math.max(0, unpackMessage(WindowUpdateSchema, value).update);
        this.#wake();
      }
    } catch {
      // Whoever waits for room learns that none will come.
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
