import type { IncomingMessage } from 'node:http';
import { EngineError } from '#/base/errors.ts';
import { describeNetworkError } from '#/core/registry/network-error.ts';

interface BodyOptions {
  readonly stallTimeout: number;
  readonly signal: AbortSignal | undefined;
  /** `GET https://host/path`. */
  readonly tried: string;
}

/**
 * The bytes of an answer. The stall clock runs only while a byte is waited for, so a reader may take its time. An end
 * before the announced length is a broken connection: `unavailable`.
 */
export async function* readBody(
  message: IncomingMessage,
  { stallTimeout, signal, tried }: BodyOptions,
): AsyncGenerator<Uint8Array> {
  let waiting = true;
  const timer = setTimeout(() => {
    if (waiting)
      message.destroy(new EngineError('unavailable', `Cannot ${tried}: no byte for ${stallTimeout / 1000} seconds`));
  }, stallTimeout);
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      waiting = false;
      yield chunk;
      waiting = true;
      timer.refresh();
    }
    if (!message.complete)
      throw new EngineError('unavailable', `Cannot ${tried}: the connection broke off in the middle`);
  } catch (error) {
    signal?.throwIfAborted();
    throw describeNetworkError(tried, error);
  } finally {
    clearTimeout(timer);
  }
}

/** The whole of a short body. Throws `resource-exhausted` beyond `limit` bytes. */
export async function readWhole(body: AsyncIterable<Uint8Array>, limit: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit)
      throw new EngineError('resource-exhausted', `Cannot read ${what}: it is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
