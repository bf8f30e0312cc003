import { EngineError } from '#/base/errors.ts';

export interface StdioChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

const headerSize = 8;
const systemError = 3;
const longestError = 64 * 1024;

/**
 * Takes a multiplexed stream apart: frames of `[type 0 0 0 length32]`, type 1 stdout, 2 stderr. Long frames come in
 * parts as they arrive. Type 3 is the daemon's own last word and is thrown.
 */
export async function* demultiplex(chunks: AsyncIterable<Buffer>): AsyncGenerator<StdioChunk, void, void> {
  let header: Buffer = Buffer.alloc(0);
  let left = 0;
  let errorText = '';
  for await (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const missing = headerSize - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < headerSize) break;
        left = checkedLength(header);
        if (left === 0) header = Buffer.alloc(0);
        continue;
      }
      const data = rest.subarray(0, left);
      rest = rest.subarray(data.length);
      left -= data.length;
      const type = header[0];
      if (type === systemError) errorText = (errorText + data.toString()).slice(0, longestError);
      else yield { stream: type === 2 ? 'stderr' : 'stdout', data };
      if (left > 0) continue;
      if (type === systemError) throw new EngineError('unknown', `Error from daemon in stream: ${errorText.trim()}`);
      header = Buffer.alloc(0);
    }
  }
  if (left > 0 || header.length > 0)
    throw new EngineError('unavailable', 'Cannot read the output: the stream ended within a frame');
}

function checkedLength(header: Buffer): number {
  const type = header[0] ?? 255;
  if (type > systemError || header[1] !== 0 || header[2] !== 0 || header[3] !== 0)
    throw new EngineError(
      'data-loss',
      'Cannot read the output: it is not framed by stream (has the container a terminal?)',
    );
  return header.readUInt32BE(4);
}

/** A terminal has one stream: everything is stdout. */
export async function* asStdout(chunks: AsyncIterable<Buffer>): AsyncGenerator<StdioChunk, void, void> {
  for await (const data of chunks) yield { stream: 'stdout', data };
}
