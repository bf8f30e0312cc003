/** gRPC's framing over node:http2, the calling side: one connection, calls of all four kinds. */
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import type { Duplex } from 'node:stream';
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { EngineError } from '#/base/errors.ts';
import type { DialOptions } from '#/rpc/dial-unix.ts';
import { dialUnix } from '#/rpc/dial-unix.ts';
import type { AnyMethod, GrpcCallOptions } from '#/rpc/grpc-client-call.ts';
import { GrpcClientCall } from '#/rpc/grpc-client-call.ts';

/**
 * One gRPC connection. A failed call throws the EngineError that its status stands for; a connection that breaks fails
 * what is under way with `unavailable`. Leaving an answer loop early cancels the call.
 */
export interface GrpcClient extends AsyncDisposable {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: GrpcCallOptions,
  ): Promise<MessageShape<O>>;
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: GrpcCallOptions,
  ): AsyncGenerator<MessageShape<O>>;
  clientStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodClientStreaming<I, O>,
    requests: AsyncIterable<MessageInitShape<I>>,
    options?: GrpcCallOptions,
  ): Promise<MessageShape<O>>;
  bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    requests: AsyncIterable<MessageInitShape<I>>,
    options?: GrpcCallOptions,
  ): AsyncGenerator<MessageShape<O>>;
  /** Resolves when the connection is gone. Never rejects. */
  readonly closed: Promise<void>;
}

const streamWindow = 2 << 20;
const connectionWindow = 8 << 20;
const maxSessionMemoryMiB = 64;

/** Connects to a unix socket (a path, or `unix://` and a path), or speaks over a stream that is open already. */
export async function openGrpcClient(socketOrPath: Duplex | string, options: DialOptions = {}): Promise<GrpcClient> {
  const stream = typeof socketOrPath === 'string' ? await dialUnix(socketOrPath, options) : socketOrPath;
  const session = connect('http://localhost', {
    createConnection: () => stream,
    settings: { initialWindowSize: streamWindow, enablePush: false },
    maxSessionMemory: maxSessionMemoryMiB,
  });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  // Whoever closes at once has the connection made all the same.
  session.on('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(connectionWindow);
  });
  // The calls under way learn of it from their streams.
  session.on('error', () => session.destroy());
  session.on('close', () => resolve());
  return clientOver(session, closed);
}

function clientOver(session: ClientHttp2Session, closed: Promise<void>): GrpcClient {
  const start = <I extends DescMessage, O extends DescMessage>(
    method: AnyMethod<I, O>,
    options: GrpcCallOptions = {},
  ): GrpcClientCall<I, O> => {
    if (session.closed || session.destroyed)
      throw new EngineError(
        'unavailable',
        `Cannot call ${method.parent.typeName}/${method.name}: the connection is closed`,
      );
    return new GrpcClientCall(session, method, options);
  };
  return {
    closed,
    async unary(method, request, options) {
      const call = start(method, options);
      await call.send(request);
      call.endRequests();
      return call.onlyAnswer();
    },
    async *serverStream(method, request, options) {
      const call = start(method, options);
      await call.send(request);
      call.endRequests();
      yield* call.answers();
    },
    async clientStream(method, requests, options) {
      const call = start(method, options);
      call.sendAll(requests);
      return call.onlyAnswer();
    },
    async *bidi(method, requests, options) {
      const call = start(method, options);
      call.sendAll(requests);
      yield* call.answers();
    },
    async [Symbol.asyncDispose]() {
      session.destroy();
      await closed;
    },
  };
}
