import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { constants } from 'node:http2';
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { ErrorKind } from '#/base/errors.ts';
import { EngineError } from '#/base/errors.ts';
import { drained } from '#/rpc/drained.ts';
import { decodeGrpcMessage, encodeGrpcMessage, GrpcMessageReader, writeGrpcFrame } from '#/rpc/grpc-message.ts';
import { decodeStatusText, formatGrpcTimeout } from '#/rpc/grpc-metadata.ts';
import { errorOfStatus } from '#/rpc/status.ts';

export interface GrpcCallOptions {
  /** After this the call fails with `deadline-exceeded`; the server is told as well. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
}

export type AnyMethod<I extends DescMessage, O extends DescMessage> = Pick<DescMethod, 'name' | 'parent'> & {
  readonly input: I;
  readonly output: O;
};

/** One call on the client's side. */
export class GrpcClientCall<I extends DescMessage, O extends DescMessage> {
  readonly #method: AnyMethod<I, O>;
  readonly #stream: ClientHttp2Stream;
  readonly #answers: GrpcMessageReader;
  /** How the call ended; undefined means well. */
  readonly #outcome: Promise<EngineError | undefined>;
  readonly #settle: (error: EngineError | undefined) => void;

  constructor(session: ClientHttp2Session, method: AnyMethod<I, O>, options: GrpcCallOptions) {
    this.#method = method;
    this.#stream = session.request(requestHeaders(method, options), { endStream: false });
    this.#answers = new GrpcMessageReader(this.#stream);
    const { promise, resolve } = Promise.withResolvers<EngineError | undefined>();
    this.#outcome = promise;
    this.#settle = resolve;
    this.#watchStream();
    this.#watchSignal(options);
  }

  async send(request: MessageInitShape<I>): Promise<void> {
    const frame = encodeGrpcMessage(this.#method.input, request);
    if (this.#stream.destroyed || !this.#stream.writable) return;
    if (!writeGrpcFrame(this.#stream, frame)) await drained(this.#stream);
  }

  endRequests(): void {
    this.#stream.end();
  }

  /** Sends beside the reading of answers; what the iterable throws fails the call. */
  sendAll(requests: AsyncIterable<MessageInitShape<I>>): void {
    const pump = async (): Promise<void> => {
      for await (const request of requests) {
        if (this.#stream.destroyed || !this.#stream.writable) return;
        await this.send(request);
      }
      this.endRequests();
    };
    pump().catch((error: unknown) =>
      this.#fail(new EngineError('cancelled', this.#says('its requests failed'), { cause: error })),
    );
  }

  async *answers(): AsyncGenerator<MessageShape<O>> {
    try {
      for (;;) {
        const message = await this.#nextAnswer();
        if (message === undefined) return;
        yield decodeGrpcMessage(this.#method.output, message);
      }
    } finally {
      if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  async onlyAnswer(): Promise<MessageShape<O>> {
    let only: MessageShape<O> | undefined;
    for await (const answer of this.answers()) only ??= answer;
    if (only === undefined) throw new EngineError('internal', this.#says('the server ended it without an answer'));
    return only;
  }

  /** The next message; at the end the status is awaited, and thrown if it is an error. */
  async #nextAnswer(): Promise<Uint8Array | undefined> {
    let failure: unknown;
    try {
      const message = await this.#answers.next();
      if (message !== undefined) return message;
    } catch (error) {
      failure = error;
      if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
      if (error instanceof EngineError && error.kind !== 'cancelled') throw error;
    }
    const outcome = await this.#outcome;
    if (outcome !== undefined) throw outcome;
    if (failure !== undefined) throw failure;
    return undefined;
  }

  #watchStream(): void {
    let cause: unknown;
    this.#stream.on('error', (error) => (cause = error));
    this.#stream.on('response', (headers) => {
      const { ':status': status } = headers;
      if ('grpc-status' in headers) this.#settle(errorOfHeaders(headers));
      else if (status !== 200)
        this.#fail(new EngineError('unavailable', this.#says(`the server answered with HTTP status ${status}`)));
    });
    this.#stream.on('trailers', (headers) => this.#settle(errorOfHeaders(headers)));
    this.#stream.on('close', () => {
      const kind = kindOfReset(this.#stream.rstCode);
      this.#settle(new EngineError(kind, this.#says('the stream was closed without a status'), { cause }));
    });
  }

  #watchSignal({ signal, timeoutMs }: GrpcCallOptions): void {
    const onAbort = (): void =>
      this.#fail(new EngineError('cancelled', this.#says('the caller gave up'), { cause: signal?.reason }));
    const onTimeout = (): void => this.#fail(new EngineError('deadline-exceeded', this.#says('no answer in time')));
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#stream.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
    if (signal?.aborted === true) onAbort();
  }

  #fail(error: EngineError): void {
    this.#settle(error);
    this.#answers.fail(error);
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #says(why: string): string {
    return `Cannot call ${this.#method.parent.typeName}/${this.#method.name}: ${why}`;
  }
}

function requestHeaders(
  method: Pick<DescMethod, 'name' | 'parent'>,
  { timeoutMs, metadata }: GrpcCallOptions,
): Record<string, string | string[]> {
  const given = Object.entries(metadata ?? {}).map(([key, value]): [string, string | string[]] => [
    key.toLowerCase(),
    typeof value === 'string' ? value : [...value],
  ]);
  return {
    ':method': 'POST',
    ':path': `/${method.parent.typeName}/${method.name}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(timeoutMs === undefined ? {} : { 'grpc-timeout': formatGrpcTimeout(timeoutMs) }),
    ...Object.fromEntries(given),
  };
}

function errorOfHeaders(headers: IncomingHttpHeaders): EngineError | undefined {
  const code = Number(headers['grpc-status'] ?? 2);
  return code === 0
    ? undefined
    : errorOfStatus({ code, message: decodeStatusText(String(headers['grpc-message'] ?? '')) });
}

function kindOfReset(code: number | undefined): ErrorKind {
  switch (code) {
    case constants.NGHTTP2_CANCEL:
      return 'cancelled';
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return 'resource-exhausted';
    case constants.NGHTTP2_PROTOCOL_ERROR:
    case constants.NGHTTP2_INTERNAL_ERROR:
      return 'internal';
    default:
      return 'unavailable';
  }
}
