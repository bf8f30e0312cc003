/**
 * gRPC's own framing over node:http2: calls of bound services on unix sockets, or on connections that are open already
 * (hijacked ones). What a call promises is in service.ts; limits are here and in grpc-message.ts.
 */
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { constants, createServer } from 'node:http2';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { GrpcCall, type CallHost, type HandledCall } from '#/rpc/grpc-call.ts';
import { grpcMaxMessage } from '#/rpc/grpc-message.ts';
import type { BoundService } from '#/rpc/service.ts';
import { methodTable } from '#/rpc/service.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';
import { listenUnix } from '#/rpc/unix-listener.ts';

export interface GrpcServerOptions {
  readonly services: readonly BoundService[];
  readonly logger: Logger;
  /** Bytes of the largest message, each way; default: 16 MiB. */
  readonly limits?: { readonly receive: number; readonly send: number };
  /** Told of each call when it has ended. */
  readonly onHandled?: (call: HandledCall) => void;
}

export interface GrpcServer extends AsyncDisposable {
  /** May be called for several addresses. */
  listen(address: UnixAddress): Promise<void>;
  /** What is under way. */
  openCalls(): readonly OpenCall[];
  /** Serves one connection that somebody else accepted. */
  serve(connection: Duplex): void;
  /**
   * Takes no new calls, tells those under way that the daemon stops, gives them `graceMs` to end, and closes. A long
   * poll such as a task's Wait fails with `unavailable`; it never answers as if its event had come.
   */
  close(graceMs?: number): Promise<void>;
}

export interface OpenCall {
  readonly method: string;
  readonly milliseconds: number;
}

/** Node's 64 KiB windows make large writes crawl; a stream may have this much under way, a connection four times that. */
const streamWindow = 2 << 20;
const connectionWindow = 8 << 20;
/** Thousands of Wait and Subscribe streams on one connection are normal. */
const maxStreams = 16_384;
const maxConnections = 4096;
const maxSessionMemoryMiB = 64;
/** Go clients cancel all their long polls at once; a peer that resets faster than this is cut off. */
const resets = { streamResetBurst: 32_768, streamResetRate: 2048 } as const;
const defaultGraceMs = 2000;

const usualLimits = { receive: grpcMaxMessage, send: grpcMaxMessage };

export function createGrpcServer({ services, logger, ...options }: GrpcServerOptions): GrpcServer {
  const host: CallHost = { methods: methodTable(services), logger, limits: usualLimits, ...options };
  const sessions = new Set<ServerHttp2Session>();
  const calls = new Set<GrpcCall>();
  const settings = { initialWindowSize: streamWindow, maxConcurrentStreams: maxStreams, enablePush: false };
  const accept = (stream: ServerHttp2Stream, headers: Headers, _flags: number, rawHeaders: string[]): void => {
    if (!isGrpc(headers)) return refuseForeign(stream, headers);
    const call = new GrpcCall(stream, rawHeaders, host);
    calls.add(call);
    void call.done.then(() => calls.delete(call));
  };
  const open = (): Http2Server => {
    const server = createServer({ settings, maxSessionMemory: maxSessionMemoryMiB, ...resets });
    server.maxConnections = maxConnections;
    server.on('session', (session) => {
      session.setLocalWindowSize(connectionWindow);
      sessions.add(session);
      session.on('stream', accept);
      session.on('error', (error) => logger.debug('gRPC connection failed', { error: messageOf(error) }));
      session.on('close', () => sessions.delete(session));
    });
    return server;
  };
  const servers: Http2Server[] = [];
  const inner = open();
  const stop = async (graceMs: number): Promise<void> => {
    const closing = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const session of sessions) session.close();
    const stopped = new EngineError('unavailable', 'Cannot go on: the daemon stops');
    for (const call of calls) call.interrupt(stopped);
    await settled(calls, graceMs);
    for (const call of calls) call.finish(stopped);
    await settledSessions(sessions);
    for (const session of sessions) session.destroy();
    await Promise.all(closing);
  };
  let stopping: Promise<void> | undefined;
  const close = (graceMs = defaultGraceMs): Promise<void> => (stopping ??= stop(graceMs));
  return {
    async listen(address) {
      const server = open();
      await listenUnix(server, address);
      servers.push(server);
    },
    openCalls: () => [...calls].map(({ name, milliseconds }) => ({ method: name, milliseconds })),
    serve: (connection) => void inner.emit('connection', connection),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

type Headers = Readonly<Record<string, string | string[] | number | undefined>>;

const isGrpc = (headers: Headers): boolean =>
  headers[':method'] === 'POST' && String(headers['content-type'] ?? '').startsWith('application/grpc');

function refuseForeign(stream: ServerHttp2Stream, headers: Headers): void {
  stream.on('error', () => stream.destroy());
  stream.respond({ ':status': headers[':method'] === 'POST' ? 415 : 405 }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}

async function settled(calls: ReadonlySet<GrpcCall>, graceMs: number): Promise<void> {
  const timer = new AbortController();
  const all = Promise.all([...calls].map((call) => call.done));
  await Promise.race([all, sleep(graceMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}

/** The last answers are on their way; a connection that does not end by itself is cut. */
async function settledSessions(sessions: ReadonlySet<ServerHttp2Session>): Promise<void> {
  const timer = new AbortController();
  const closed = Promise.all(
    [...sessions].map((session) => new Promise<void>((resolve) => session.once('close', () => resolve()))),
  );
  await Promise.race([closed, sleep(250, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}
