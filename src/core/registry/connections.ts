import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { EngineError } from '#/base/errors.ts';
import { openAgents, type AgentOptions } from '#/core/registry/agents.ts';
import { describeNetworkError, plainUrl } from '#/core/registry/network-error.ts';
import { proxyFor } from '#/core/registry/proxy.ts';
import { readBody } from '#/core/registry/response-body.ts';
import { writeBody, type RequestBody } from '#/core/registry/request-body.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose head has arrived. Disposing gives the connection back or closes it when much is left to read. */
export interface HttpResponse extends AsyncDisposable {
  readonly url: URL;
  readonly method: string;
  readonly status: number;
  /** A header by its lower-case name; repeated ones are joined with ", ". */
  header(name: string): string | undefined;
  /** Throws `unavailable` when the connection breaks or stalls. To be read at most once. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface ConnectionOptions extends AgentOptions {
  readonly userAgent: string;
  /** Milliseconds without a byte after which the other side counts as gone. */
  readonly stallTimeout: number;
  /** Milliseconds until a connection, TLS included, must stand. */
  readonly dialTimeout: number;
  /** Told of each request and answer. */
  readonly trace?: (line: string) => void;
}

/** Plain HTTP requests over connections that are kept for the next one. Any status is an answer, not an error. */
export interface Connections extends AsyncDisposable {
  send(request: HttpRequest): Promise<HttpResponse>;
}

const keptForDiscard = 64 * 1024;
const restTimeout = 1000;

export function openConnections(options: ConnectionOptions): Connections {
  const agents = openAgents(options);
  return {
    send: async (request) => await exchange(request, await agents.forUrl(request.url), options),
    [Symbol.asyncDispose]: async () => agents[Symbol.dispose](),
  };
}

async function exchange(
  request: HttpRequest,
  agent: Agent,
  { userAgent, stallTimeout, dialTimeout, trace, environment }: ConnectionOptions,
): Promise<HttpResponse> {
  const { method, url, body, signal } = request;
  const proxy = proxyFor(url, environment);
  const tried = `${method} ${plainUrl(url)}${proxy === undefined ? '' : ` by the proxy "${new URL(proxy).host}"`}`;
  signal?.throwIfAborted();
  const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method,
    agent,
    headers: {
      'user-agent': userAgent,
      'accept-encoding': 'identity',
      ...(body === undefined ? bodiless(method) : { 'content-length': String(body.size) }),
      ...request.headers,
    },
    ...(signal === undefined ? {} : { signal }),
  });
  trace?.(`> ${tried}`);
  limitDialing(outgoing, dialTimeout, tried);
  try {
    const message = await answerOf(outgoing, body, { stallTimeout, tried });
    trace?.(`< ${message.statusCode ?? 0} ${tried}`);
    return responseOf(outgoing, message, { ...request, stallTimeout });
  } catch (error) {
    outgoing.destroy();
    signal?.throwIfAborted();
    throw describeNetworkError(tried, error);
  }
}

/** A fresh connection must stand in time. One that was kept does, and behind a proxy the stall time counts. */
function limitDialing(outgoing: ClientRequest, dialTimeout: number, tried: string): void {
  outgoing.once('socket', (socket: Socket) => {
    if (!socket.connecting) return;
    const why = `Cannot ${tried}: no connection within ${dialTimeout / 1000} seconds`;
    const timer = setTimeout(() => outgoing.destroy(new EngineError('unavailable', why)), dialTimeout);
    const stop = (): void => clearTimeout(timer);
    outgoing.once('close', stop);
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', stop);
  });
}

const bodiless = (method: string): Record<string, string> =>
  method === 'GET' || method === 'HEAD' ? {} : { 'content-length': '0' };

/** Sends the body while waiting for the head of the answer, which may come before the body is through. */
async function answerOf(
  outgoing: ClientRequest,
  body: RequestBody | undefined,
  { stallTimeout, tried }: { readonly stallTimeout: number; readonly tried: string },
): Promise<IncomingMessage> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const stalled = (): void =>
    void outgoing.destroy(
      new EngineError('unavailable', `Cannot ${tried}: no answer for ${stallTimeout / 1000} seconds`),
    );
  const timer = setTimeout(stalled, stallTimeout);
  outgoing.on('response', resolve).on('error', reject);
  outgoing.on('close', () => reject(new EngineError('unavailable', `Cannot ${tried}: the connection was closed`)));
  const early = new AbortController();
  try {
    if (body === undefined) outgoing.end();
    else
      await Promise.race([writeBody(outgoing, body, { stop: early.signal, onChunk: () => timer.refresh() }), answered]);
    return await answered;
  } finally {
    early.abort();
    clearTimeout(timer);
    answered.catch(() => {});
  }
}

function responseOf(
  outgoing: ClientRequest,
  message: IncomingMessage,
  { url, method, signal, stallTimeout }: HttpRequest & { readonly stallTimeout: number },
): HttpResponse {
  // An error after the body was given up has nobody left to tell.
  message.on('error', () => {});
  outgoing.on('error', () => {});
  return {
    url,
    method,
    status: message.statusCode ?? 0,
    header: (name) => {
      const value = message.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body: readBody(message, { stallTimeout, signal, tried: `${method} ${plainUrl(url)}` }),
    [Symbol.asyncDispose]: async () => giveBack(outgoing, message),
  };
}

/** A short rest is read so that the connection can serve again; a long one is not worth it. */
function giveBack(outgoing: ClientRequest, message: IncomingMessage): void {
  if (message.readableEnded || message.destroyed) return;
  const left = message.complete ? 0 : Number(message.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (left > keptForDiscard || !outgoing.writableFinished) {
    message.destroy();
    return;
  }
  const timer = setTimeout(() => message.destroy(), restTimeout);
  message.once('close', () => clearTimeout(timer)).resume();
}
