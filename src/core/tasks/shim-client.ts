import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { isKind } from '#/base/errors.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import { Sandbox } from '#/gen/containerd/runtime/sandbox/v1/sandbox_pb.ts';
import { Task as TaskV2 } from '#/gen/containerd/task/v2/shim_pb.ts';
import { Task as TaskV3 } from '#/gen/containerd/task/v3/shim_pb.ts';
import type { TtrpcCallOptions, TtrpcClient } from '#/rpc/ttrpc-client.ts';
import { openTtrpcClient } from '#/rpc/ttrpc-client.ts';

export const shimMethods: (typeof TaskV2)['method'] = TaskV2.method;
export const sandboxMethods: (typeof Sandbox)['method'] = Sandbox.method;

/** A connection to a shim. */
export interface ShimClient {
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: TtrpcCallOptions,
  ): Promise<MessageShape<O>>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  close(): void;
}

/**
 * Connects to a shim. Versions 2 and 3 of its protocol have the same messages and differ in the service's name only, so
 * the methods are those of version 2. A shim that does not know version 3 after all is spoken to in version 2.
 */
export async function dialShim(
  namespace: string,
  endpoint: ShimEndpoint,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ShimClient> {
  const client = await openTtrpcClient(endpoint.address, options);
  return new VersionedClient(client, namespace, endpoint.version);
}

class VersionedClient implements ShimClient {
  readonly #client: TtrpcClient;
  readonly #metadata: Readonly<Record<string, string>>;
  #version: number;

  constructor(client: TtrpcClient, namespace: string, version: number) {
    this.#client = client;
    this.#metadata = { 'containerd-namespace-ttrpc': namespace };
    this.#version = version;
  }

  get closed(): Promise<void> {
    return this.#client.closed;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: TtrpcCallOptions = {},
  ): Promise<MessageShape<O>> {
    const whole = { ...options, metadata: this.#metadata };
    if (this.#version < 3 || method.parent !== TaskV2) return await this.#client.call(method, request, whole);
    try {
      return await this.#client.call({ ...method, parent: TaskV3 }, request, whole);
    } catch (error) {
      if (!isKind(error, 'unimplemented')) throw error;
      const answer = await this.#client.call(method, request, whole);
      this.#version = 2;
      return answer;
    }
  }

  close(): void {
    this.#client.close();
  }
}
