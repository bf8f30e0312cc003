import type { IncomingMessage } from 'node:http';
import { EngineError } from '#/base/errors.ts';

/** Reads a request's body in whole. Throws `invalid-argument` when it is longer than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit)
      throw new EngineError('invalid-argument', `Cannot read the request: its body is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
