import { EngineError } from '#/base/errors.ts';
import type { ByteReader } from '#/client/http/byte-reader.ts';

/** The first part of an HTTP/1.1 answer (RFC 9112 §4, §5). Header names are lower case; repeated ones are joined. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: ReadonlyMap<string, string>;
}

const longestLine = 16 * 1024;
const mostHeaders = 200;
const mostHeaderBytes = 64 * 1024;
const mostInterim = 8;
const statusLine = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: ([^\0\r\n]*))?$/;
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*?)[ \t]*$/;

/** Reads the head of the final answer; interim ones (100 Continue) are passed over, 101 is final. */
export async function readResponseHead(reader: ByteReader): Promise<ResponseHead> {
  for (let interim = 0; interim <= mostInterim; interim++) {
    const head = await readOneHead(reader);
    if (head.status >= 200 || head.status === 101) return head;
  }
  throw malformed(`more than ${mostInterim} interim answers`);
}

async function readOneHead(reader: ByteReader): Promise<ResponseHead> {
  const first = await reader.readLine(longestLine);
  const match = statusLine.exec(first);
  if (match === null) throw malformed(`${JSON.stringify(first.slice(0, 80))} is no HTTP status line`);
  const [, status = '', reason = ''] = match;
  return { status: Number(status), reason, headers: await readHeaders(reader) };
}

/** Header lines up to the empty one; also the trailers of a chunked body. */
export async function readHeaders(reader: ByteReader): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  let bytes = 0;
  for (let count = 0; ; count++) {
    const line = await reader.readLine(longestLine);
    if (line === '') return headers;
    bytes += line.length;
    if (count >= mostHeaders || bytes > mostHeaderBytes)
      throw new EngineError('resource-exhausted', 'the answer has too many headers');
    const [, name = '', value = ''] = headerLine.exec(line) ?? [];
    if (name === '') throw malformed(`${JSON.stringify(line.slice(0, 80))} is no header line`);
    const key = name.toLowerCase();
    const earlier = headers.get(key);
    headers.set(key, earlier === undefined ? value : `${earlier}, ${value}`);
  }
}

export function malformed(why: string): EngineError {
  return new EngineError('data-loss', `the answer is not HTTP/1.1: ${why}`);
}
