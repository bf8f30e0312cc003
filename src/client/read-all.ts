import { EngineError } from '#/base/errors.ts';

/** The whole of a stream, up to `limit` bytes. */
export async function readAll(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit)
      throw new EngineError('resource-exhausted', `Cannot read the answer: it is longer than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
