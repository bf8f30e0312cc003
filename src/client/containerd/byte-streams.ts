import { EngineError } from '#/base/errors.ts';
import type { MessageStream } from '#/client/containerd/open-stream.ts';
import { DataSchema, WindowUpdateSchema } from '#/gen/containerd/types/transfer/streaming_pb.ts';

const largestPiece = 32 * 1024;
const window = 2 * largestPiece;

/** Sends bytes to their end, at the pace that the other side asks for. Stops when it takes no more. */
export async function sendBytes(stream: MessageStream, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let room = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      while (room <= 0) {
        const update = await stream.receive(WindowUpdateSchema);
        if (update === undefined) return;
        room += update.update;
      }
      const data = chunk.subarray(at, at + Math.min(largestPiece, room));
      stream.send(DataSchema, { data });
      at += data.length;
      room -= data.length;
    }
  }
  stream.endSending();
}

/** Bytes as they come, to their end; the other side is let send a little ahead. */
export async function* receiveBytes(stream: MessageStream): AsyncGenerator<Uint8Array> {
  let open = 0;
  for (;;) {
    while (open < window) {
      stream.send(WindowUpdateSchema, { update: window });
      open += window;
    }
    const message = await stream.receive(DataSchema);
    if (message === undefined) return;
    if (message.data.length > open)
      throw new EngineError('resource-exhausted', 'Cannot receive: the daemon sends more than it was let');
    open -= message.data.length;
    yield message.data;
  }
}
