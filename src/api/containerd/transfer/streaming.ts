import { EmptySchema, type Any } from '@bufbuild/protobuf/wkt';
import { leaseOf, namespaceOf } from '#/api/containerd/request-scope.ts';
import type { Streams } from '#/api/containerd/transfer/streams.ts';
import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { StreamInitSchema, Streaming } from '#/gen/containerd/services/streaming/v1/streaming_pb.ts';
import { anyOfValue, packMessage, unpackMessage, valueOfAny } from '#/rpc/any.ts';
import type { BoundService, CallContext } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** Opens pipes that other calls refer to by their ids. A call lasts until its stream is closed, or its client goes. */
export function streamingService(streams: Streams): BoundService {
  return bindService(Streaming, { stream: (requests, context) => carry(streams, requests, context) });
}

async function* carry(streams: Streams, requests: AsyncIterable<Any>, context: CallContext): AsyncGenerator<Any> {
  const namespace = namespaceOf(context);
  const incoming = valuesOf(requests);
  const first = await incoming.next();
  if (first.done === true) throw new EngineError('invalid-argument', 'Cannot open a stream: the client named none');
  const { id } = unpackMessage(StreamInitSchema, first.value);
  using stream = streams.register({ namespace, id, ...leaseOf(context), incoming, signal: context.signal });
  // Only now may another call name the stream.
  yield anyOfValue(packMessage(EmptySchema, {}));
  for await (const value of stream.outgoing) yield anyOfValue(value);
  context.signal.throwIfAborted();
}

async function* valuesOf(requests: AsyncIterable<Any>): AsyncGenerator<TypedValue, undefined> {
  for await (const request of requests) yield valueOfAny(request);
  return undefined;
}
