import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { once } from 'node:events';
import { readBody } from '#/api/docker/request-body.ts';

/** A connection that was taken over from HTTP: bytes both ways, each direction ending by itself. */
export interface Hijacked {
  readonly input: NodeJS.ReadableStream | undefined;
  readonly output: NodeJS.WritableStream;
  /** Ends the connection for good. */
  destroy(): void;
}

/** How a request is answered: once, as a stream, or by taking the connection over. */
export interface Answer {
  readonly started: boolean;
  /** Whether the connection was taken over. */
  readonly hijacked: boolean;
  /** The request's body in whole, at most `limit` bytes. */
  body(limit: number): Promise<Buffer>;
  send(status: number, value?: unknown): void;
  /** Starts a streamed answer; headers go out at once. */
  stream(contentType: string, headers?: Readonly<Record<string, string>>): ResponseStream;
  /** Takes the connection over for raw or multiplexed streams (Engine API, "Attach to a container"). */
  hijack(contentType: string): Hijacked;
}

export interface ResponseStream {
  /** Waits while the client is slow; false when it has gone away. */
  write(data: string | Uint8Array): Promise<boolean>;
  end(): void;
}

/** Standard since ECMAScript 2025 and in Node 26; the compiler's library does not list it yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => object };

/** Large integers stay exact: bigints are written as JSON numbers. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    typeof entry === 'bigint' ? rawJSON(entry.toString()) : entry,
  );
}

/** Answers on a response that Node's HTTP server made. */
export function answerResponse(request: IncomingMessage, response: ServerResponse): Answer {
  let hijacked = false;
  return {
    get started() {
      return response.headersSent;
    },
    get hijacked() {
      return hijacked;
    },
    body: (limit) => readBody(request, limit),
    send: (status, value) => {
      const text = value === undefined ? '' : `${toJson(value)}\n`;
      // A client that is still sending must not find the connection closed before it has read the answer.
      if (!request.complete) response.shouldKeepAlive = true;
      response.writeHead(status, {
        ...(text === '' ? {} : { 'Content-Type': 'application/json' }),
        'Content-Length': Buffer.byteLength(text),
      });
      response.end(text);
    },
    stream: (contentType, headers = {}) => {
      response.writeHead(200, { 'Content-Type': contentType, ...headers });
      response.flushHeaders();
      return responseStream(response);
    },
    hijack: (contentType) => {
      hijacked = true;
      response.writeHead(200, { 'Content-Type': contentType });
      response.flushHeaders();
      return { input: request, output: response, destroy: () => request.socket.destroy() };
    },
  };
}

function responseStream(response: ServerResponse | Duplex): ResponseStream {
  return {
    write: async (data) => {
      if (response.destroyed || response.writableEnded) return false;
      if (response.write(data)) return true;
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
      return !response.destroyed;
    },
    end: () => {
      response.end();
    },
  };
}

/**
 * Answers on the bare socket of a request that asked to upgrade. Node (tried on 26) parses the request's body as ever;
 * `head` and what the socket gives afterwards are the stream behind it.
 */
export function answerUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Answer {
  let started = false;
  let hijacked = false;
  const begin = (text: string): void => {
    started = true;
    socket.write(text);
  };
  return {
    get started() {
      return started;
    },
    get hijacked() {
      return hijacked;
    },
    body: (limit) => readBody(request, limit),
    send: (status, value) => {
      const text = value === undefined ? '' : `${toJson(value)}\n`;
      begin(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
      socket.end();
    },
    stream: (contentType) => {
      begin(`HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nConnection: close\r\n\r\n`);
      return responseStream(socket);
    },
    hijack: (contentType) => {
      hijacked = true;
      request.resume();
      if (head.length > 0) socket.unshift(head);
      begin(`HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
      return { input: socket, output: socket, destroy: () => socket.destroy() };
    },
  };
}
