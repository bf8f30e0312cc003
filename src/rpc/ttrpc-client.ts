import type { Duplex } from 'node:stream';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { EngineError } from '#/base/errors.ts';
import { RequestSchema, ResponseSchema } from '#/gen/containerd/ttrpc/request_pb.ts';
import type { DialOptions } from '#/rpc/dial-unix.ts';
import { dialUnix } from '#/rpc/dial-unix.ts';
import { errorOfStatus } from '#/rpc/status.ts';
import type { TtrpcFrame } from '#/rpc/ttrpc-frame.ts';
import { encodeTtrpcFrame, frameType, TtrpcFrameReader, ttrpcMaxPayload } from '#/rpc/ttrpc-frame.ts';

export interface TtrpcCallOptions {
  /** After this the call fails with `deadline-exceeded`; the peer is told as well. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One ttrpc connection. Calls run side by side; when it closes, those under way fail with `unavailable`. */
export interface TtrpcClient extends AsyncDisposable {
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: TtrpcCallOptions,
  ): Promise<MessageShape<O>>;
  /** Resolves when the connection is gone, whoever ended it. Never rejects. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Calls without an answer, and bytes not yet taken by the peer, beyond which a further call is refused. */
const maxPending = 16_384;
const maxUnsentBytes = 64 << 20;

/** Connects to a unix socket (a path, or `unix://` and a path), or speaks over a stream that is open already. */
export async function openTtrpcClient(socketOrPath: Duplex | string, options: DialOptions = {}): Promise<TtrpcClient> {
  if (typeof socketOrPath !== 'string') return new Connection(socketOrPath, 'peer');
  return new Connection(await dialUnix(socketOrPath, options), socketOrPath);
}

interface Pending {
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

class Connection implements TtrpcClient {
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #peer: string;
  readonly #pending = new Map<number, Pending>();
  #nextStream = 1;
  #failure: unknown;
  #open = true;

  constructor(stream: Duplex, peer: string) {
    this.#stream = stream;
    this.#peer = peer;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const reader = new TtrpcFrameReader();
    stream.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.#receive(frame);
    });
    stream.on('error', (error) => (this.#failure = error));
    // A half-closed peer answers nothing any more.
    stream.on('end', () => stream.destroy());
    stream.on('close', () => {
      this.#open = false;
      for (const id of this.#pending.keys()) this.#settle(id)?.reject(this.#closedError('the connection was closed'));
      resolve();
    });
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: TtrpcCallOptions = {},
  ): Promise<MessageShape<O>> {
    const signals = [
      ...(options.signal === undefined ? [] : [options.signal]),
      ...(options.timeoutMs === undefined ? [] : [AbortSignal.timeout(options.timeoutMs)]),
    ];
    const signal = signals.length === 0 ? undefined : AbortSignal.any(signals);
    signal?.throwIfAborted();
    const name = `${method.parent.typeName}/${method.name}`;
    const payload = toBinary(
      RequestSchema,
      create(RequestSchema, {
        service: method.parent.typeName,
        method: method.name,
        payload: toBinary(method.input, create(method.input, request)),
        timeoutNano: BigInt(Math.ceil(options.timeoutMs ?? 0)) * 1_000_000n,
        metadata: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
      }),
    );
    const answer = await this.#exchange(name, payload, signal);
    try {
      return fromBinary(method.output, answer);
    } catch (error) {
      throw new EngineError('internal', `Cannot read the answer of "${this.#peer}" to ${name}`, { cause: error });
    }
  }

  close(): void {
    this.#stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  async #exchange(name: string, payload: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    this.#checkRoom(name, payload);
    const id = this.#nextStream;
    this.#nextStream += 2;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#pending.set(id, { resolve, reject });
    const onAbort = (): void => {
      this.#settle(id)?.reject(abortError(name, this.#peer, signal?.reason));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#stream.write(encodeTtrpcFrame(id, frameType.request, payload));
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #checkRoom(name: string, payload: Uint8Array): void {
    if (!this.#open || this.#stream.destroyed) throw this.#closedError('the connection is closed', name);
    if (payload.length > ttrpcMaxPayload)
      throw new EngineError(
        'resource-exhausted',
        `Cannot call ${name} at "${this.#peer}": the request has ${payload.length} bytes, ttrpc carries ${ttrpcMaxPayload}`,
      );
    if (this.#pending.size >= maxPending || this.#stream.writableLength > maxUnsentBytes)
      throw new EngineError(
        'resource-exhausted',
        `Cannot call ${name} at "${this.#peer}": ${this.#pending.size} calls already wait for an answer`,
      );
  }

  #receive(frame: TtrpcFrame): void {
    if (frame.type !== frameType.response) return;
    const pending = this.#settle(frame.streamId);
    if (pending === undefined) return;
    if (frame.payload === undefined) {
      pending.reject(
        new EngineError('resource-exhausted', `Cannot read the answer of "${this.#peer}": it is too large`),
      );
      return;
    }
    try {
      const { status, payload } = fromBinary(ResponseSchema, frame.payload);
      if (status !== undefined && status.code !== 0) pending.reject(errorOfStatus(status));
      else pending.resolve(payload);
    } catch (error) {
      pending.reject(new EngineError('internal', `Cannot read the answer of "${this.#peer}"`, { cause: error }));
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #closedError(why: string, name?: string): EngineError {
    const tried = name === undefined ? 'Cannot finish the call' : `Cannot call ${name}`;
    return new EngineError('unavailable', `${tried} at "${this.#peer}": ${why}`, { cause: this.#failure });
  }
}

function abortError(name: string, peer: string, reason: unknown): EngineError {
  const timedOut = reason instanceof Error && reason.name === 'TimeoutError';
  return timedOut
    ? new EngineError('deadline-exceeded', `Cannot call ${name} at "${peer}": no answer in time`)
    : new EngineError('cancelled', `Cannot call ${name} at "${peer}": the caller gave up`, { cause: reason });
}
