import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { EngineError, errnoOf, kindOf, messageOf } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import type { Logger } from '#/base/log.ts';
import type { Engine } from '#/engine/open-engine.ts';
import { answerResponse, answerUpgrade, type Answer } from '#/api/docker/answer.ts';
import type { Call } from '#/api/docker/call.ts';
import type { DaemonFacts } from '#/api/docker/daemon-facts.ts';
import { statusOf } from '#/api/docker/error-status.ts';
import { findRoute } from '#/api/docker/routes.ts';
import { checkVersion, splitVersion } from '#/api/docker/api-version.ts';
import { listenUnix, type UnixAddress } from '#/rpc/unix-listener.ts';

export interface DockerApiOptions {
  readonly engine: Engine;
  readonly facts: DaemonFacts;
  readonly listen: readonly UnixAddress[];
  readonly logger: Logger;
  readonly onActivity: () => void;
}

/** Serves Docker's Engine API on unix sockets. */
export async function openDockerApi(options: DockerApiOptions): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  for (const address of options.listen) {
    const connections = new Set<Socket>();
    const server = createDockerServer(options, connections);
    await listenUnix(server, address);
    undo.defer(() => closeServer(server, connections));
  }
  return undo.move();
}

function createDockerServer(options: DockerApiOptions, connections: Set<Socket>): Server {
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 });
  // Without this, output that comes after a client has shut its writing side would be lost.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const answer = answerResponse(request, response);
    void serve(options, request, answer, goneSignal(response, { socket: request.socket, answer }));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    void serve(options, request, answerUpgrade(request, socket, head), goneSignal(socket));
  });
  server.on('clientError', (_error: Error, socket: Duplex) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  server.on('connection', (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  return server;
}

/**
 * Aborts when the client has gone. Since connections may be half open, one that was left looks like one whose client has
 * no more to say, until something is written to it; where no bytes of the client's are awaited, both mean the same.
 */
function goneSignal(
  stream: ServerResponse | Duplex,
  request?: { readonly socket: Socket; readonly answer: Answer },
): AbortSignal {
  const gone = new AbortController();
  const onEnd = (): void => {
    if (request?.answer.hijacked !== true) gone.abort();
  };
  request?.socket.once('end', onEnd);
  stream.once('close', () => {
    request?.socket.off('end', onEnd);
    gone.abort();
  });
  return gone.signal;
}

/** Connections that were taken over are not the HTTP server's any more, but they end with it too. */
async function closeServer(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  for (const connection of connections) connection.destroy();
  await closed.promise;
}

async function serve(
  options: DockerApiOptions,
  request: IncomingMessage,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  options.onActivity();
  try {
    await dispatch(options, request, answer, signal);
  } catch (error) {
    fail(options, request, answer, error);
  }
}

async function dispatch(
  { engine, facts }: DockerApiOptions,
  request: IncomingMessage,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const { minor, path } = splitVersion(url.pathname);
  checkVersion(minor);
  const { route, parts } = findRoute(request.method ?? 'GET', path);
  const namespace = namespaceOf(request);
  const call: Call = { engine, facts, namespace, request, answer, path: parts, query: url.searchParams, minor, signal };
  await route.handle(call);
}

function namespaceOf(request: IncomingMessage): string {
  const header = request.headers['x-berth-namespace'];
  return header === undefined ? 'default' : checkIdentifier('a namespace', String(header));
}

function fail({ logger }: DockerApiOptions, request: IncomingMessage, answer: Answer, error: unknown): void {
  const status = statusOf(error);
  const message = messageOf(error);
  // An error of ours says enough; one that nobody expected needs its place.
  const stack = kindOf(error) === 'unknown' && error instanceof Error ? error.stack : undefined;
  if (status >= 500 && kindOf(error) !== 'unimplemented')
    logger.error('a request failed', { method: request.method, url: request.url, error: message, stack });
  if (answer.started) {
    if (errnoOf(error) !== 'EPIPE') logger.debug('an answer was cut short', { url: request.url, error: message });
    request.socket.destroy();
    return;
  }
  try {
    answer.send(status, status === 304 ? undefined : { message });
  } catch (cause) {
    logger.debug('an error could not be answered', {
      error: messageOf(new EngineError('unknown', message, { cause })),
    });
  }
}
