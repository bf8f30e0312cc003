import { EngineError, isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Content, WriteAction, type WriteContentResponse } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { digestOf } from '#/oci/digest.ts';

/** Below what every daemon accepts as one message. */
const largestPiece = 1024 * 1024;

export interface BlobWish {
  /** Names the upload: one that was broken off goes on where it stopped. */
  readonly ref: string;
  /** 0 when it is not known. */
  readonly total: number;
  /** '' when it is not known. */
  readonly expected: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Sends a blob into the store; its digest. A blob that is there already is fine when its digest was expected. What
 * an earlier upload of the same ref has brought is not sent again.
 */
export async function writeContent(
  client: ContainerdClient,
  wish: BlobWish,
  chunks: AsyncIterable<Uint8Array>,
): Promise<string> {
  const conversation = converse(client);
  try {
    const { ref, total, expected } = wish;
    const opened = await conversation.say({ action: WriteAction.STAT, ref, total: BigInt(total), expected });
    const from = Number(opened.offset);
    // Another namespace has shared it, or an earlier upload brought it all.
    const isWhole = total > 0 && from === total;
    const end = isWhole ? total : await sendPieces(conversation, wish, { chunks, from });
    const { digest } = await conversation.say({
      action: WriteAction.COMMIT,
      total: BigInt(total === 0 ? end : total),
      expected,
      offset: BigInt(end),
      labels: { ...wish.labels },
    });
    return digest;
  } catch (error) {
    if (isKind(error, 'already-exists') && wish.expected !== '') return wish.expected;
    throw error;
  } finally {
    conversation.end();
  }
}

/** A document that we hold in memory. */
export async function writeDocument(
  client: ContainerdClient,
  bytes: Uint8Array,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const digest = digestOf(bytes);
  const once = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  return await writeContent(client, { ref: `ctr-${digest}`, total: bytes.length, expected: digest, labels }, once());
}

interface Source {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly from: number;
}

/** The offset after the last byte. */
async function sendPieces(conversation: Conversation, { total, expected }: BlobWish, source: Source): Promise<number> {
  let read = 0;
  for await (const chunk of source.chunks) {
    for (let at = 0; at < chunk.length; at += largestPiece) {
      const piece = chunk.subarray(at, at + largestPiece);
      const fresh = piece.subarray(Math.min(piece.length, Math.max(0, source.from - read)));
      const offset = read + piece.length - fresh.length;
      read += piece.length;
      if (fresh.length === 0) continue;
      await conversation.say({
        action: WriteAction.WRITE,
        offset: BigInt(offset),
        total: BigInt(total),
        expected,
        data: fresh,
      });
    }
  }
  if (read < source.from)
    throw new EngineError(
      'failed-precondition',
      `Cannot go on with the upload: the daemon has ${source.from} bytes of it, and there are only ${read} here; use another name for it`,
    );
  return read;
}

type Saying = Parameters<Conversation['say']>[0];

interface Conversation {
  readonly say: (request: {
    readonly action: WriteAction;
    readonly ref?: string;
    readonly total?: bigint;
    readonly expected?: string;
    readonly offset?: bigint;
    readonly data?: Uint8Array;
    readonly labels?: Record<string, string>;
  }) => Promise<WriteContentResponse>;
  readonly end: () => void;
}

/** Each request has one answer. */
function converse(client: ContainerdClient): Conversation {
  let next = Promise.withResolvers<Saying | undefined>();
  const requests = async function* (): AsyncGenerator<Saying> {
    for (;;) {
      const request = await next.promise;
      next = Promise.withResolvers();
      if (request === undefined) return;
      yield request;
    }
  };
  const answers = client.bidi(Content.method.write, requests());
  return {
    say: async (request) => {
      next.resolve(request);
      const { value, done } = await answers.next();
      if (done === true) throw new EngineError('aborted', 'Cannot write the blob: the daemon ended the upload');
      return value;
    },
    end: () => {
      next.resolve(undefined);
      void answers.return(undefined).catch(() => {});
    },
  };
}
