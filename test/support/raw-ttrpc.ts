import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { RequestSchema, ResponseSchema } from '#/gen/containerd/ttrpc/request_pb.ts';
import { TtrpcFrameReader } from '#/rpc/ttrpc-frame.ts';

/** A response as it was on the wire. */
export interface RawAnswer {
  readonly stream: number;
  readonly type: number;
  readonly code: number;
  readonly message: string;
  readonly payload: Uint8Array;
}

/** A ttrpc client that says what it is told to, right or wrong, and hears every answer. */
export interface RawTtrpc extends Disposable {
  readonly socket: Socket;
  send(...parts: readonly Uint8Array[]): void;
  /** The next answer, in the order in which they came. */
  answer(): Promise<RawAnswer>;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<unknown>;
}

export async function openRawTtrpc(path: string): Promise<RawTtrpc> {
  const socket = connect(path);
  await once(socket, 'connect');
  const reader = new TtrpcFrameReader();
  const heard: RawAnswer[] = [];
  const waiting: ((answer: RawAnswer) => void)[] = [];
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    for (const { streamId: stream, type, payload } of reader.push(chunk)) {
      const { status, payload: content } = fromBinary(ResponseSchema, payload ?? new Uint8Array());
      const answer = { stream, type, code: status?.code ?? 0, message: status?.message ?? '', payload: content };
      const next = waiting.shift();
      if (next === undefined) heard.push(answer);
      else next(answer);
    }
  });
  const closed = once(socket, 'close');
  return {
    socket,
    closed,
    send: (...parts) => void socket.write(Buffer.concat(parts)),
    async answer() {
      const first = heard.shift();
      if (first !== undefined) return first;
      const { promise, resolve } = Promise.withResolvers<RawAnswer>();
      waiting.push(resolve);
      const ended = closed.then(() => Promise.reject(new Error('the connection was closed before an answer came')));
      return Promise.race([promise, ended]);
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** A frame with this header, whatever its payload. */
export function rawFrame({
  stream,
  type = 1,
  flags = 0,
  payload = new Uint8Array(),
  length = payload.length,
}: {
  readonly stream: number;
  readonly type?: number;
  readonly flags?: number;
  readonly payload?: Uint8Array;
  readonly length?: number;
}): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt32BE(length, 0);
  header.writeUInt32BE(stream, 4);
  header.writeUInt8(type, 8);
  header.writeUInt8(flags, 9);
  return Buffer.concat([header, payload]);
}

export interface RawRequest {
  readonly service?: string;
  readonly method: string;
  readonly payload?: Uint8Array;
  readonly timeoutNano?: bigint;
}

/** What a request frame carries. */
export function rawRequest({ service = 'containerd.task.v3.Task', ...request }: RawRequest): Uint8Array {
  return toBinary(RequestSchema, create(RequestSchema, { service, ...request }));
}
