/** A client of containerd's gRPC API: berthd's, or any other daemon that speaks it. */
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { GrpcCallOptions } from '#/rpc/grpc-client-call.ts';
import { openGrpcClient, type GrpcClient } from '#/rpc/grpc-client.ts';

/** One connection and the namespace (and lease) that its calls are made in. */
export interface ContainerdClient extends AsyncDisposable {
  readonly address: string;
  readonly namespace: string;
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncGenerator<MessageShape<O>>;
  bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    requests: AsyncIterable<MessageInitShape<I>>,
    options?: CallOptions,
  ): AsyncGenerator<MessageShape<O>>;
  /** The same connection, its calls made under a lease, or in another namespace. Closing it closes nothing. */
  within(scope: Scope): ContainerdClient;
}

export interface Scope {
  readonly namespace?: string;
  readonly lease?: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ClientOptions {
  readonly address: string;
  readonly namespace: string;
  /** Ends every call. */
  readonly signal?: AbortSignal | undefined;
  readonly connectTimeoutMs: number;
}

/** Throws `unavailable` when nobody listens, `deadline-exceeded` when the connection takes too long. */
export async function openContainerdClient(options: ClientOptions): Promise<ContainerdClient> {
  const limit = AbortSignal.timeout(options.connectTimeoutMs);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const connection = await openGrpcClient(options.address, { signal });
  const { address, namespace } = options;
  return scoped(connection, { address, namespace, lease: undefined, signal: options.signal, owner: true });
}

interface Bound {
  readonly address: string;
  readonly namespace: string;
  readonly lease: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly owner: boolean;
}

function scoped(connection: GrpcClient, bound: Bound): ContainerdClient {
  const { namespace, lease } = bound;
  const metadata = { 'containerd-namespace': namespace, ...(lease === undefined ? {} : { 'containerd-lease': lease }) };
  const callOptions = ({ signal }: CallOptions = {}): GrpcCallOptions => {
    const signals = [bound.signal, signal].filter((each) => each !== undefined);
    return signals.length === 0 ? { metadata } : { metadata, signal: AbortSignal.any(signals) };
  };
  return {
    address: bound.address,
    namespace,
    call: (method, request, options) => connection.unary(method, request, callOptions(options)),
    stream: (method, request, options) => connection.serverStream(method, request, callOptions(options)),
    bidi: (method, requests, options) => connection.bidi(method, requests, callOptions(options)),
    within: (scope) =>
      scoped(connection, {
        ...bound,
        namespace: scope.namespace ?? namespace,
        lease: scope.lease ?? lease,
        owner: false,
      }),
    [Symbol.asyncDispose]: async () => {
      if (bound.owner) await connection[Symbol.asyncDispose]();
    },
  };
}
