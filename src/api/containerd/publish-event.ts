import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { EngineError } from '#/base/errors.ts';
import { Events } from '#/gen/containerd/services/events/v1/events_pb.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';

export interface PublishEvent {
  /** The daemon's gRPC socket. */
  readonly address: string;
  readonly namespace: string;
  readonly topic: string;
  /** A google.protobuf.Any. */
  readonly event: Uint8Array;
}

const patience = 5000;

/** Hands an event to a running daemon, as a shim without a ttrpc connection does through `berthd publish`. */
export async function publishEvent({ address, namespace, topic, event }: PublishEvent): Promise<void> {
  const any = decode(event);
  await using client = await openGrpcClient(address, { signal: AbortSignal.timeout(patience) });
  const metadata = { 'containerd-namespace': namespace };
  await client.unary(Events.method.publish, { topic, event: any }, { metadata, timeoutMs: patience });
}

function decode(event: Uint8Array): ReturnType<typeof fromBinary<typeof AnySchema>> {
  try {
    return fromBinary(AnySchema, event);
  } catch (cause) {
    throw new EngineError('invalid-argument', 'Cannot publish: the event is no google.protobuf.Any', { cause });
  }
}
