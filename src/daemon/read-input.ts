import { EngineError } from '#/base/errors.ts';

/** All of standard input. Throws `resource-exhausted` beyond `limit` bytes. */
export async function readInput(limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit)
      throw new EngineError('resource-exhausted', `Cannot read standard input: it has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
