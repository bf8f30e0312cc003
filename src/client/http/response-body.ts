import { EngineError } from '#/base/errors.ts';
import type { ByteReader } from '#/client/http/byte-reader.ts';
import { malformed, readHeaders, type ResponseHead } from '#/client/http/response-head.ts';

/** How the end of a body is known (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

const longestChunkLine = 1024;

export function framingOf(method: string, { status, headers }: ResponseHead): Framing {
  if (method === 'HEAD' || status === 101 || status === 204 || status === 304) return { kind: 'none' };
  const encoding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (encoding !== undefined) {
    if (length !== undefined) throw malformed('it has both Content-Length and Transfer-Encoding');
    if (encoding.toLowerCase() === 'chunked') return { kind: 'chunked' };
    throw malformed(`Transfer-Encoding ${JSON.stringify(encoding)} is not known`);
  }
  if (length === undefined) return { kind: 'until-close' };
  const values = new Set(length.split(',').map((value) => value.trim()));
  const [only = ''] = values;
  if (values.size !== 1 || !/^[0-9]{1,15}$/.test(only))
    throw malformed(`Content-Length ${JSON.stringify(length)} is no length`);
  return { kind: 'length', length: Number(only) };
}

/** The bytes of a body. An answer that stops before its end throws `unavailable`: a part is never taken for the whole. */
export async function* readBody(reader: ByteReader, framing: Framing): AsyncGenerator<Buffer, void, void> {
  switch (framing.kind) {
    case 'none':
      return;
    case 'length':
      yield* readExactly(reader, framing.length);
      return;
    case 'chunked':
      yield* readChunked(reader);
      return;
    case 'until-close':
      for (;;) {
        const chunk = await reader.read();
        if (chunk === undefined) return;
        yield chunk;
      }
  }
}

async function* readExactly(reader: ByteReader, length: number): AsyncGenerator<Buffer, void, void> {
  let left = length;
  while (left > 0) {
    const chunk = await reader.read();
    if (chunk === undefined)
      throw new EngineError('unavailable', `the connection ended ${left} bytes before the end of the answer`);
    if (chunk.length > left) reader.unread(chunk.subarray(left));
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    yield part;
  }
}

async function* readChunked(reader: ByteReader): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    const line = await reader.readLine(longestChunkLine);
    const [, digits = ''] = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?$/.exec(line) ?? [];
    if (digits === '') throw malformed(`${JSON.stringify(line.slice(0, 40))} is no chunk size`);
    const size = Number.parseInt(digits, 16);
    if (size === 0) {
      await readHeaders(reader);
      return;
    }
    yield* readExactly(reader, size);
    if ((await reader.readLine(2)) !== '') throw malformed('a chunk is longer than its size');
  }
}
