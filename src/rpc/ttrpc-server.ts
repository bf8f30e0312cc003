import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { Request } from '#/gen/containerd/ttrpc/request_pb.ts';
import { RequestSchema, ResponseSchema } from '#/gen/containerd/ttrpc/request_pb.ts';
import type { BoundService, CallContext, MethodTable } from '#/rpc/service.ts';
import { methodTable } from '#/rpc/service.ts';
import { statusOf } from '#/rpc/status.ts';
import type { TtrpcFrame } from '#/rpc/ttrpc-frame.ts';
import { encodeTtrpcFrame, frameType, TtrpcFrameReader, ttrpcMaxPayload } from '#/rpc/ttrpc-frame.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';
import { listenUnix } from '#/rpc/unix-listener.ts';

export interface TtrpcServerOptions {
  readonly services: readonly BoundService[];
  readonly logger: Logger;
  /** Says whether a fresh connection may stay, by its peer's credentials. Default: the socket's mode decides alone. */
  readonly acceptPeer?: (socket: Socket) => boolean | Promise<boolean>;
}

/** Serves the unary methods of services to ttrpc clients on one socket. */
export interface TtrpcServer extends AsyncDisposable {
  /** May be called for several addresses. */
  listen(address: UnixAddress): Promise<void>;
}

const maxConnections = 8192;
/** Calls one connection may have under way; beyond it, reading from that connection pauses. */
const maxCalls = 256;
const maxUnsentBytes = 16 << 20;

export function createTtrpcServer({ services, logger, acceptPeer }: TtrpcServerOptions): TtrpcServer {
  const methods = methodTable(services);
  const connections = new Set<ServedConnection>();
  const accept = (socket: Socket): void => {
    void admit(socket, acceptPeer, logger).then((admitted) => {
      if (!admitted) return socket.destroy();
      const connection = new ServedConnection(socket, methods, logger);
      connections.add(connection);
      socket.once('close', () => connections.delete(connection));
      return undefined;
    });
  };
  const servers: Server[] = [];
  return {
    async listen(address) {
      const server = createServer({ pauseOnConnect: true }, accept);
      server.maxConnections = maxConnections;
      await listenUnix(server, address);
      servers.push(server);
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
      for (const connection of connections) connection.close();
      await closed;
    },
  };
}

async function admit(socket: Socket, acceptPeer: TtrpcServerOptions['acceptPeer'], logger: Logger): Promise<boolean> {
  socket.on('error', (error) => logger.debug('ttrpc connection failed', { error: messageOf(error) }));
  try {
    const accepted = acceptPeer === undefined || (await acceptPeer(socket));
    if (!accepted) logger.warn('refused a ttrpc connection of another user');
    return accepted;
  } catch (error) {
    logger.warn('cannot tell who a ttrpc connection is from', { error: messageOf(error) });
    return false;
  }
}

class ServedConnection {
  readonly #socket: Socket;
  readonly #methods: MethodTable;
  readonly #logger: Logger;
  readonly #gone = new AbortController();
  #calls = 0;
  #lastStream = 0;

  constructor(socket: Socket, methods: MethodTable, logger: Logger) {
    this.#socket = socket;
    this.#methods = methods;
    this.#logger = logger;
    const reader = new TtrpcFrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) void this.#receive(frame);
    });
    socket.on('drain', () => this.#adjustReading());
    socket.on('close', () => this.#gone.abort(new EngineError('cancelled', 'the ttrpc connection was closed')));
    socket.resume();
  }

  close(): void {
    this.#gone.abort(new EngineError('unavailable', 'the daemon stops'));
    this.#socket.destroySoon();
  }

  /** Frames of kinds that are yet to come are passed over, as ttrpc asks. */
  async #receive(frame: TtrpcFrame): Promise<void> {
    if (frame.type !== frameType.request && frame.type !== frameType.data) return;
    const wrong = this.#whatIsWrong(frame);
    if (frame.type === frameType.request) this.#lastStream = Math.max(this.#lastStream, frame.streamId);
    await this.#serve(frame, () => (wrong === undefined ? this.#answer(frame) : Promise.reject(refuseStream(wrong))));
  }

  #whatIsWrong({ streamId, type }: TtrpcFrame): string | undefined {
    if (streamId % 2 !== 1) return 'a client numbers its streams 1, 3, 5 and so on';
    if (type === frameType.data) return 'no stream of that number is open';
    return streamId <= this.#lastStream ? 'numbers of streams only grow' : undefined;
  }

  async #serve(frame: TtrpcFrame, answer: () => Promise<Uint8Array>): Promise<void> {
    this.#calls += 1;
    this.#adjustReading();
    const response = await this.#orStatus(answer);
    this.#calls -= 1;
    if (!this.#socket.destroyed && this.#socket.writable)
      this.#socket.write(encodeTtrpcFrame(frame.streamId, frameType.response, response));
    this.#adjustReading();
  }

  async #answer({ payload }: TtrpcFrame): Promise<Uint8Array> {
    if (payload === undefined)
      throw new EngineError('resource-exhausted', `Cannot take a request of more than ${ttrpcMaxPayload} bytes`);
    const answer = await this.#run(decode(RequestSchema, payload));
    const response = toBinary(ResponseSchema, create(ResponseSchema, { payload: answer }));
    if (response.length <= ttrpcMaxPayload) return response;
    throw new EngineError('resource-exhausted', `Cannot answer: ${response.length} bytes are too many for ttrpc`);
  }

  /** The encoded Response, whatever happens. */
  async #orStatus(answer: () => Promise<Uint8Array>): Promise<Uint8Array> {
    try {
      return await answer();
    } catch (error) {
      this.#logger.debug('ttrpc call failed', { error: messageOf(error) });
      return toBinary(ResponseSchema, create(ResponseSchema, { status: statusOf(error) }));
    }
  }

  async #run(request: Request): Promise<Uint8Array> {
    const name = `${request.service}/${request.method}`;
    const method = this.#methods.get(name);
    if (method === undefined || method.kind !== 'unary')
      throw new EngineError('unimplemented', `Cannot call "${name}": no such method`);
    const context: CallContext = {
      method: name,
      header: (key) => request.metadata.find((pair) => pair.key.toLowerCase() === key)?.value,
      signal: callSignal(this.#gone.signal, request.timeoutNano),
    };
    const answer = await method.run(decode(method.desc.input, request.payload), context);
    return toBinary(method.desc.output, create(method.desc.output, answer));
  }

  #adjustReading(): void {
    const busy = this.#calls >= maxCalls || this.#socket.writableLength > maxUnsentBytes;
    if (busy && !this.#socket.isPaused()) this.#socket.pause();
    else if (!busy && this.#socket.isPaused()) this.#socket.resume();
  }
}

const refuseStream = (why: string): EngineError => new EngineError('invalid-argument', `Cannot take a frame: ${why}`);

function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot decode a ${schema.typeName}`, { cause: error });
  }
}

const longestTimer = 2 ** 31 - 1;

function callSignal(gone: AbortSignal, timeoutNano: bigint): AbortSignal {
  const milliseconds = Math.ceil(Number(timeoutNano) / 1e6);
  if (milliseconds <= 0 || milliseconds > longestTimer) return gone;
  return AbortSignal.any([gone, AbortSignal.timeout(milliseconds)]);
}
