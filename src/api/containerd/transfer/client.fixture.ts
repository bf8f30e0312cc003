/** For tests: the client's side of transfers and their streams, as Go's clients do it. */
import assert from 'node:assert/strict';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { inNamespace, type ApiRig } from '#/api/containerd/open-api.suite.ts';
import type { TypedValue } from '#/base/any.ts';
import { BoundedQueue } from '#/base/bounded-queue.ts';
import { Streaming, StreamInitSchema } from '#/gen/containerd/services/streaming/v1/streaming_pb.ts';
import { Transfer } from '#/gen/containerd/services/transfer/v1/transfer_pb.ts';
import { ProgressSchema, type Progress } from '#/gen/containerd/types/transfer/progress_pb.ts';
import { DataSchema, WindowUpdateSchema } from '#/gen/containerd/types/transfer/streaming_pb.ts';
import { anyOfValue, packMessage, unpackMessage, valueOfAny } from '#/rpc/any.ts';

export const ns = 'blue';

export interface ClientStream {
  send(value: TypedValue): Promise<void>;
  /** Undefined when the server ended it. */
  receive(): Promise<TypedValue | undefined>;
  /** No more from this side. */
  end(): void;
  /** Goes away. */
  cancel(): void;
}

export async function openStream({ client }: ApiRig, id: string, lease?: string): Promise<ClientStream> {
  const requests = new BoundedQueue<Any>(16);
  const stop = new AbortController();
  const send = async (value: TypedValue): Promise<void> => void (await requests.push(anyOfValue(value)));
  const answers = client.bidi(Streaming.method.stream, requests, { ...inNamespace(ns, lease), signal: stop.signal });
  const receive = async (): Promise<TypedValue | undefined> => {
    const { done, value } = await answers.next();
    return done === true ? undefined : valueOfAny(value);
  };
  await send(packMessage(StreamInitSchema, { id }));
  assert.equal((await receive())?.typeUrl, 'google.protobuf.Empty');
  return { send, receive, end: () => requests.close(), cancel: () => stop.abort() };
}

/** Sends bytes as far as the server grants, then ends the stream. */
export async function sendBytes(stream: ClientStream, bytes: Uint8Array): Promise<void> {
  let granted = 0;
  for (let offset = 0; offset < bytes.byteLength;) {
    while (granted <= 0) {
      const value = await stream.receive();
      if (value === undefined) return;
      granted += unpackMessage(WindowUpdateSchema, value).update;
    }
    const data = bytes.subarray(offset, offset + Math.min(granted, 32 * 1024));
    await stream.send(packMessage(DataSchema, { data }));
    offset += data.byteLength;
    granted -= data.byteLength;
  }
  stream.end();
}

const window = 64 * 1024;

/** Takes bytes until the server ends the stream; fails when it sends more than it may. */
export async function receiveBytes(stream: ClientStream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let granted = 0; ;) {
    if (granted < window) {
      await stream.send(packMessage(WindowUpdateSchema, { update: window }));
      granted += window;
    }
    const value = await stream.receive();
    if (value === undefined) return Buffer.concat(parts);
    const { data } = unpackMessage(DataSchema, value);
    assert(data.byteLength <= 32 * 1024);
    granted -= data.byteLength;
    assert(granted >= 0);
    parts.push(data);
  }
}

export interface Ends {
  readonly source: TypedValue;
  readonly destination: TypedValue;
}

/** One end of a transfer. */
export const end = <D extends DescMessage>(schema: D, message: MessageInitShape<D>): TypedValue =>
  packMessage(schema, message);

/** Carries a transfer out and returns what was told on the way. */
export async function transfer(rig: ApiRig, { source, destination }: Ends, signal?: AbortSignal): Promise<Progress[]> {
  const id = `progress-${Math.random()}`;
  const stream = await openStream(rig, id);
  const request = {
    source: anyOfValue(source),
    destination: anyOfValue(destination),
    options: { progressStream: id },
  };
  const options = { ...inNamespace(ns), ...(signal === undefined ? {} : { signal }) };
  const done = rig.client.unary(Transfer.method.transfer, request, options);
  const told: Progress[] = [];
  const listening = (async () => {
    for (let value = await stream.receive(); value !== undefined; value = await stream.receive())
      told.push(unpackMessage(ProgressSchema, value));
  })();
  await Promise.all([done, listening]);
  return told;
}
