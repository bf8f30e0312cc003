import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
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

/**
 * The body as a stream of its own: whoever reads it may stop at any byte without breaking the connection, on which the
 * answer must still go out. What is left is read and thrown away.
 */
export function streamBody(request: IncomingMessage): Readable {
  const body = new PassThrough();
  request.pipe(body);
  request.on('close', () => {
    if (!request.complete) body.destroy(new EngineError('cancelled', 'Cannot read the request: the client went away'));
  });
  body.on('close', () => {
    request.unpipe(body);
    request.resume();
  });
  return body;
}
