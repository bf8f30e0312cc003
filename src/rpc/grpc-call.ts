import type { ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { drained } from '#/rpc/drained.ts';
import { decodeGrpcMessage, encodeGrpcMessage, GrpcMessageReader, writeGrpcFrame } from '#/rpc/grpc-message.ts';
import { firstHeader, parseGrpcTimeout, statusHeaders } from '#/rpc/grpc-metadata.ts';
import type { BoundMethod, CallContext, MethodTable } from '#/rpc/service.ts';
import type { RpcStatus } from '#/rpc/status.ts';
import { statusOf } from '#/rpc/status.ts';

/** How long a client may keep sending after it has its answer. */
const lingerMs = 5000;
const longestTimer = 2 ** 31 - 1;

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' } as const;

/** What the calls of a server have in common. */
export interface CallHost {
  readonly methods: MethodTable;
  readonly logger: Logger;
  /** Bytes of the largest message, each way. */
  readonly limits: { readonly receive: number; readonly send: number };
  readonly onHandled?: (call: HandledCall) => void;
}

export interface HandledCall {
  /** `package.Service/Method`; '' where there is no such method. */
  readonly method: string;
  readonly kind: BoundMethod['kind'];
  /** gRPC's status code. */
  readonly code: number;
  readonly milliseconds: number;
}

/** One call on the server's side, from its headers to its status. */
export class GrpcCall {
  /** Resolves when the handler has ended, whatever became of the stream. Never rejects. */
  readonly done: Promise<void>;
  readonly #stream: ServerHttp2Stream;
  readonly #rawHeaders: readonly string[];
  readonly #host: CallHost;
  readonly #requests: GrpcMessageReader;
  readonly #startedAt = performance.now();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #finished = false;
  #status: RpcStatus = { code: 0, message: '' };

  constructor(stream: ServerHttp2Stream, rawHeaders: readonly string[], host: CallHost) {
    this.#stream = stream;
    this.#rawHeaders = rawHeaders;
    this.#host = host;
    this.#requests = new GrpcMessageReader(stream, host.limits.receive);
    stream.on('error', (error) => host.logger.debug('gRPC stream failed', { error: messageOf(error) }));
    stream.on('wantTrailers', () => stream.sendTrailers(statusHeaders(this.#status)));
    stream.on('close', () => {
      clearTimeout(this.#timer);
      if (this.#finished) return;
      this.#finished = true;
      const error = new EngineError('cancelled', 'Cannot go on: the client has ended the call');
      this.#status = statusOf(error);
      this.#abort.abort(error);
    });
    this.done = this.#run();
  }

  /** Tells the handler to stop; what it then answers is still sent. */
  interrupt(reason: EngineError): void {
    this.#requests.fail(reason);
    this.#abort.abort(reason);
  }

  /** Answers in the handler's place, if it has not answered yet. */
  finish(error: EngineError): void {
    this.interrupt(error);
    this.#finish(statusOf(error));
  }

  /** `package.Service/Method`, as the caller wrote it. */
  get name(): string {
    return (firstHeader(this.#rawHeaders, ':path') ?? '').slice(1);
  }

  get milliseconds(): number {
    return performance.now() - this.#startedAt;
  }

  async #run(): Promise<void> {
    const { name } = this;
    const method = this.#host.methods.get(name);
    try {
      if (method === undefined) throw new EngineError('unimplemented', `Cannot call "${name}": no such method`);
      this.#checkHeaders();
      this.#startTimer(name);
      await this.#invoke(method, {
        method: name,
        header: (key) => firstHeader(this.#rawHeaders, key),
        signal: this.#abort.signal,
      });
      this.#finish({ code: 0, message: '' });
    } catch (error) {
      this.#log(name, error);
      this.#finish(statusOf(error));
    }
    const [kind, code] = [method?.kind ?? 'unary', this.#status.code] as const;
    const { milliseconds } = this;
    this.#host.onHandled?.({ method: method === undefined ? '' : name, kind, code, milliseconds });
  }

  /** What berth said itself is the caller's affair; anything else is a fault of ours. */
  #log(method: string, error: unknown): void {
    const ours = error instanceof EngineError && error.kind !== 'internal';
    if (ours) this.#host.logger.debug('gRPC call failed', { method, error: messageOf(error) });
    else this.#host.logger.error('gRPC call failed', { method, error: messageOf(error), stack: stackOf(error) });
  }

  #checkHeaders(): void {
    const encoding = firstHeader(this.#rawHeaders, 'grpc-encoding') ?? 'identity';
    if (encoding !== 'identity')
      throw new EngineError(
        'unimplemented',
        `Cannot read messages encoded with "${encoding}": only identity is offered`,
      );
  }

  #startTimer(name: string): void {
    const timeout = firstHeader(this.#rawHeaders, 'grpc-timeout');
    if (timeout === undefined) return;
    const milliseconds = Math.min(parseGrpcTimeout(timeout), longestTimer);
    const error = new EngineError('deadline-exceeded', `Cannot finish ${name}: the caller's time is up`);
    this.#timer = setTimeout(() => this.finish(error), milliseconds);
  }

  async #invoke(method: BoundMethod, context: CallContext): Promise<void> {
    const { input, output } = method.desc;
    switch (method.kind) {
      case 'unary':
        return this.#send(output, await method.run(await this.#onlyRequest(input), context));
      case 'client_streaming':
        return this.#send(output, await method.run(this.#decoded(input), context));
      case 'server_streaming':
        return this.#sendAll(output, method.run(await this.#onlyRequest(input), context));
      case 'bidi_streaming':
        return this.#sendAll(output, method.run(this.#decoded(input), context));
    }
  }

  async #onlyRequest<D extends DescMessage>(schema: D): Promise<MessageShape<D>> {
    const message = await this.#requests.next();
    if (message === undefined) throw new EngineError('internal', 'Cannot run the call: it came without a request');
    return decodeGrpcMessage(schema, message);
  }

  async *#decoded<D extends DescMessage>(schema: D): AsyncGenerator<MessageShape<D>> {
    for await (const message of this.#requests) yield decodeGrpcMessage(schema, message);
  }

  async #sendAll<D extends DescMessage>(schema: D, answers: AsyncIterable<MessageInitShape<D>>): Promise<void> {
    for await (const answer of answers) await this.#send(schema, answer);
  }

  async #send<D extends DescMessage>(schema: D, answer: MessageInitShape<D>): Promise<void> {
    const frame = encodeGrpcMessage(schema, answer, this.#host.limits.send);
    if (this.#finished) throw new EngineError('cancelled', 'Cannot answer: the call is over');
    if (!this.#stream.headersSent) this.#stream.respond(responseHeaders, { waitForTrailers: true });
    if (!writeGrpcFrame(this.#stream, frame)) await drained(this.#stream);
  }

  #finish(status: RpcStatus): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#status = status;
    clearTimeout(this.#timer);
    if (this.#stream.destroyed || this.#stream.closed) return;
    if (this.#stream.headersSent) {
      this.#stream.end();
    } else if (status.code === 0) {
      // A stream of no messages: its status still travels in trailers.
      this.#stream.respond(responseHeaders, { waitForTrailers: true });
      this.#stream.end();
    } else {
      this.#stream.respond({ ...responseHeaders, ...statusHeaders(status) }, { endStream: true });
    }
    this.#requests.discard();
    // Resetting at once could overtake the answer, so a client that goes on sending gets a while to notice.
    const linger = setTimeout(() => this.#stream.close(constants.NGHTTP2_NO_ERROR), lingerMs);
    linger.unref();
    this.#stream.once('close', () => clearTimeout(linger));
  }
}

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
