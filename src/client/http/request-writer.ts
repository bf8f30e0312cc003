import type { Socket } from 'node:net';
import { EngineError } from '#/base/errors.ts';

export type RequestBody = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, already percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Printable characters and tab; anything else could end the line early.
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
const target = /^\/[\x21-\x7e]*$/;

/** The first lines of a request (RFC 9112 §3). Throws `invalid-argument` on what could smuggle a second one. */
export function formatRequestHead(request: HttpRequest, extra: Readonly<Record<string, string>>): string {
  if (!target.test(request.path))
    throw new EngineError('invalid-argument', `Cannot ask for path ${JSON.stringify(request.path)}: it is not encoded`);
  const lines = Object.entries({ Host: 'docker', ...request.headers, ...extra }).map(([name, value]) => {
    if (!token.test(name) || !fieldValue.test(value))
      throw new EngineError(
        'invalid-argument',
        `Cannot send header ${JSON.stringify(name)}: it has a control character`,
      );
    return `${name}: ${value}\r\n`;
  });
  return `${request.method} ${request.path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Sends head and body. A body whose length is not known goes out in chunks, no faster than the daemon reads. */
export async function sendRequest(
  socket: Socket,
  request: HttpRequest,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const { body } = request;
  if (body === undefined) {
    const length: Record<string, string> =
      request.method === 'POST' || request.method === 'PUT' ? { 'Content-Length': '0' } : {};
    return send(socket, formatRequestHead(request, { ...headers, ...length }));
  }
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = Buffer.from(body);
    const head = formatRequestHead(request, { ...headers, 'Content-Length': String(bytes.length) });
    return send(socket, Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  }
  await send(socket, formatRequestHead(request, { ...headers, 'Transfer-Encoding': 'chunked' }));
  for await (const chunk of body) {
    if (chunk.length === 0) continue;
    await send(socket, Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
  }
  await send(socket, '0\r\n\r\n');
}

/** Resolves when the bytes were handed to the kernel; rejects when the connection broke. */
export function send(socket: Socket, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    };
    if (typeof data === 'string') socket.write(data, 'latin1', done);
    else socket.write(data, done);
  });
}
