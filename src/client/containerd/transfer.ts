/** Pull, push, import, export and tag as the daemon carries them out. */
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { openStream, type MessageStream } from '#/client/containerd/open-stream.ts';
import { Transfer } from '#/gen/containerd/services/transfer/v1/transfer_pb.ts';
import { ProgressSchema, type Progress } from '#/gen/containerd/types/transfer/progress_pb.ts';
import { anyOfValue, packMessage } from '#/rpc/any.ts';
import type { TypedValue } from '#/base/any.ts';

export interface TransferWish {
  readonly source: TypedValue;
  readonly destination: TypedValue;
  readonly onProgress: (progress: Progress) => void;
}

/** One end of a transfer. */
export function endOf<D extends DescMessage>(schema: D, message: MessageInitShape<D>): TypedValue {
  return packMessage(schema, message);
}

/** Runs a transfer to its end, under a lease; `prepare` may open the streams that its ends name. */
export async function transfer(
  client: ContainerdClient,
  prepare: (leased: ContainerdClient) => Promise<TransferWish>,
): Promise<void> {
  await underLease(client, async (leased) => {
    const { source, destination, onProgress } = await prepare(leased);
    using progress = await openStream(leased, 'progress');
    const told = tell(progress, onProgress);
    await leased.call(Transfer.method.transfer, {
      source: anyOfValue(source),
      destination: anyOfValue(destination),
      options: { progressStream: progress.id },
    });
    progress.endSending();
    await Promise.race([told, briefly()]);
  });
}

/** A daemon that does not end its stream must not keep us. */
const patience = 500;
const briefly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, patience));

async function tell(stream: MessageStream, onProgress: (progress: Progress) => void): Promise<void> {
  try {
    for (;;) {
      const progress = await stream.receive(ProgressSchema);
      if (progress === undefined) return;
      onProgress(progress);
    }
  } catch {
    // Progress that is cut off is no failure: the transfer itself tells of those.
  }
}
