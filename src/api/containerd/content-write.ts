import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { leaseOf, namespaceOf } from '#/api/containerd/request-scope.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import { sizeOf } from '#/api/containerd/wire-numbers.ts';
import { EngineError } from '#/base/errors.ts';
import type { Ingest } from '#/core/content/contract.ts';
import type {
  WriteContentRequest,
  WriteContentResponse,
  WriteContentResponseSchema,
} from '#/gen/containerd/services/content/v1/content_pb.ts';
import { WriteAction } from '#/gen/containerd/services/content/v1/content_pb.ts';
import type { Digest } from '#/oci/digest.ts';
import { parseDigest } from '#/oci/digest.ts';
import type { CallContext } from '#/rpc/service.ts';

type Response = MessageInitShape<typeof WriteContentResponseSchema>;

/**
 * One upload: the first request names the ref, and each request gets exactly one response. A stream that ends, breaks
 * or fails before its commit leaves the data for a resume.
 */
export async function* writeContent(
  core: ContainerdCore,
  requests: AsyncIterable<WriteContentRequest>,
  context: CallContext,
): AsyncGenerator<Response> {
  const namespace = namespaceOf(context);
  let upload: Upload | undefined;
  try {
    for await (const request of requests) {
      upload ??= await openUpload(core, namespace, request, context);
      yield await upload.take(request);
      if (upload.committed) return;
    }
  } finally {
    await upload?.close();
  }
}

async function openUpload(
  core: ContainerdCore,
  namespace: string,
  { ref, total, expected }: WriteContentRequest,
  context: CallContext,
): Promise<Upload> {
  if (ref === '') throw new EngineError('invalid-argument', 'Cannot write content: the first request names no ref');
  const ingest = await core.content.openIngest(namespace, {
    ref,
    ...leaseOf(context),
    ...(total === 0n ? {} : { total: sizeOf('a total', total) }),
    ...(expected === '' ? {} : { expected: parseDigest(expected) }),
  });
  return new Upload(core, { namespace, ref, ...leaseOf(context) }, ingest);
}

interface UploadTarget {
  readonly namespace: string;
  readonly ref: string;
  readonly lease?: string;
}

class Upload {
  readonly #core: ContainerdCore;
  readonly #target: UploadTarget;
  readonly #ingest: Ingest;
  #total = 0;
  #expected: Digest | undefined;
  #committed = false;
  #closed = false;

  constructor(core: ContainerdCore, target: UploadTarget, ingest: Ingest) {
    this.#core = core;
    this.#target = target;
    this.#ingest = ingest;
  }

  get committed(): boolean {
    return this.#committed;
  }

  async take(request: WriteContentRequest): Promise<Response> {
    await this.#note(request);
    switch (request.action) {
      case WriteAction.STAT:
        return this.#stat();
      case WriteAction.WRITE:
        await this.#write(request);
        return { ...this.#position(WriteAction.WRITE), digest: this.#ingest.digest() };
      case WriteAction.COMMIT:
        await this.#write(request);
        return this.#commit(request);
      default:
        throw new EngineError('invalid-argument', `Cannot write "${this.#target.ref}": no such action`);
    }
  }

  /** Releases the ref; data that was not committed stays for a resume. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#ingest[Symbol.asyncDispose]();
  }

  /** The latest total and expected digest count; a blob that has come another way meanwhile ends the upload. */
  async #note({ ref, total, expected }: WriteContentRequest): Promise<void> {
    if (ref !== '' && ref !== this.#target.ref)
      throw new EngineError(
        'invalid-argument',
        `Cannot write "${ref}" on the stream of "${this.#target.ref}": a stream has one ref`,
      );
    if (total !== 0n) {
      this.#total = sizeOf('a total', total);
      this.#ingest.setTotal(this.#total);
    }
    if (expected === '') return;
    this.#expected = parseDigest(expected);
    const { namespace, lease } = this.#target;
    if (await this.#core.content.hold(namespace, this.#expected, lease)) await this.#giveWay(expected);
  }

  async #giveWay(digest: string): Promise<never> {
    const { namespace, ref: own } = this.#target;
    await this.close();
    await this.#core.content.abortIngest(namespace, own);
    throw new EngineError('already-exists', `Cannot write "${own}": content "${digest}" is here`);
  }

  #position(action: WriteAction): Pick<WriteContentResponse, 'action' | 'offset' | 'total'> {
    const { offset, total } = this.#ingest.status();
    return { action, offset: BigInt(offset), total: BigInt(total) };
  }

  #stat(): Response {
    const { startedAt, updatedAt } = this.#ingest.status();
    return {
      ...this.#position(WriteAction.STAT),
      digest: this.#ingest.digest(),
      startedAt: timestampOf(startedAt),
      updatedAt: timestampOf(updatedAt),
    };
  }

  /** Offset 0 after data starts over; any other offset must be where the upload stands. */
  async #write({ offset, data }: WriteContentRequest): Promise<void> {
    const current = this.#ingest.status().offset;
    if (offset !== 0n && offset !== BigInt(current))
      throw new EngineError(
        'out-of-range',
        `Cannot write "${this.#target.ref}" at offset ${offset}: the upload stands at ${current}`,
      );
    if (offset === 0n && current > 0) await this.#ingest.truncate();
    if (data.length > 0) await this.#ingest.write(data);
  }

  async #commit({ labels }: WriteContentRequest): Promise<Response> {
    const { digest, size } = await this.#ingest.commit({
      ...(this.#total === 0 ? {} : { size: this.#total }),
      ...(this.#expected === undefined ? {} : { expected: this.#expected }),
      labels: { ...labels },
    });
    this.#committed = true;
    this.#core.events.publish(this.#target.namespace, { topic: '/content/create', digest, size });
    return { action: WriteAction.COMMIT, offset: BigInt(size), total: BigInt(this.#total), digest };
  }
}
