import type { MessageShape } from '@bufbuild/protobuf';
import {
  Diff,
  type ApplyRequestSchema,
  type ApplyResponseSchema,
  type DiffRequestSchema,
  type DiffResponseSchema,
} from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import { Backend, callIn } from '#/remote/backend.ts';

/** Another process that applies layers and makes them, over containerd's own Diff service. It reads and writes content by our API. */
export interface RemoteDiffer extends AsyncDisposable {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  /** `unimplemented` for what it cannot: the next differ is then asked. */
  apply(
    namespace: string,
    request: MessageShape<typeof ApplyRequestSchema>,
    signal: AbortSignal,
  ): Promise<MessageShape<typeof ApplyResponseSchema>>;
  diff(
    namespace: string,
    request: MessageShape<typeof DiffRequestSchema>,
    signal: AbortSignal,
  ): Promise<MessageShape<typeof DiffResponseSchema>>;
}

export interface RemoteDifferOptions {
  readonly name: string;
  readonly address: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
}

export function openRemoteDiffer(options: RemoteDifferOptions): RemoteDiffer {
  const { name, address, exports = {}, capabilities = [] } = options;
  const backend = new Backend({ what: `differ "${name}"`, address });
  return {
    name,
    exports,
    capabilities,
    apply: async (namespace, request, signal) =>
      await (await backend.client()).unary(Diff.method.apply, request, callIn(namespace, signal)),
    diff: async (namespace, request, signal) =>
      await (await backend.client()).unary(Diff.method.diff, request, callIn(namespace, signal)),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}
