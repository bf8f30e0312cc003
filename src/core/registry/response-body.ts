import type { IncomingMessage } from 'node:http';
import { EngineError } from '#/base/errors.ts';
import { describeNetworkError } from '#/core/registry/network-error.ts';

/** Milliseconds that a reader may take without the clock starting anew. */
const briefly = 50;

interface BodyOptions {
  readonly stallTimeout: number;
  readonly signal: AbortSignal | undefined;
  /** `GET https://host/path`. */
  readonly tried: string;
}

/** Fewer bytes than these within the stall time are as good as none: about what a modem of 1990 gives. */
const leastBytes = 32 * 1024;

/**
 * The bytes of an answer. The stall clock runs only while a byte is waited for, so a reader may take its time; a server
 * that lets bytes drip is stalled too. An end before the announced length is a broken connection: `unavailable`.
 */
export async function* readBody(
  message: IncomingMessage,
  { stallTimeout, signal, tried }: BodyOptions,
): AsyncGenerator<Uint8Array> {
  let waiting = true;
  let received = 0;
  const timer = setTimeout(() => {
    const seconds = stallTimeout / 1000;
    const why = received === 0 ? `no byte for ${seconds} seconds` : `too slow, ${received} bytes in ${seconds} seconds`;
    const stalled = new EngineError('unavailable', `Cannot ${tried}: ${why}`);
    if (waiting) message.destroy(stalled);
    else timer.refresh();
  }, stallTimeout);
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      waiting = false;
      received += chunk.byteLength;
      const given = Date.now();
      yield chunk;
      waiting = true;
      if (received < leastBytes && Date.now() - given < briefly) continue;
      received = 0;
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
