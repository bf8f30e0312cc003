import type { ContainerdCore } from '#/api/containerd/core.ts';
import type { OpenStream, Streams } from '#/api/containerd/transfer/streams.ts';
import type { TypedValue } from '#/base/any.ts';
import type { Progress } from '#/gen/containerd/types/transfer/progress_pb.ts';

/** What a client is told of, its fields at will. */
export type ProgressStep = Partial<Omit<Progress, '$typeName' | '$unknown'>>;

/** One transfer: what its verb works with. */
export interface TransferContext {
  readonly core: ContainerdCore;
  readonly streams: Streams;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Tells the client, if it wants to know; never waits. */
  readonly tell: (step: ProgressStep) => void;
  /** One of the client's streams; it is closed when the transfer ends. */
  readonly useStream: (id: string) => OpenStream;
}

export type TransferVerb = (context: TransferContext, source: TypedValue, destination: TypedValue) => Promise<void>;
