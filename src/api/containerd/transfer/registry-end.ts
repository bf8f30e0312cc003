import { writeBytes } from '#/api/containerd/transfer/byte-stream.ts';
import { askOverStream } from '#/api/containerd/transfer/ask-credentials.ts';
import type { TransferContext } from '#/api/containerd/transfer/transfer-context.ts';
import type { TypedValue } from '#/base/any.ts';
import { BoundedQueue } from '#/base/bounded-queue.ts';
import { EngineError } from '#/base/errors.ts';
import type { RegistryAccess } from '#/core/images/contract.ts';
import { HTTPDebug, OCIRegistrySchema, type RegistryResolver } from '#/gen/containerd/types/transfer/registry_pb.ts';
import { parseReference, type Reference } from '#/oci/reference.ts';
import { unpackMessage } from '#/rpc/any.ts';

/** A registry as one end of a transfer. */
export interface RegistryEnd {
  readonly reference: Reference;
  /** As the client wrote it. */
  readonly text: string;
  readonly access: RegistryAccess;
}

export function readRegistry(context: TransferContext, value: TypedValue): RegistryEnd {
  const { reference: text, resolver } = unpackMessage(OCIRegistrySchema, value);
  const reference = parseReference(text);
  return { reference, text, access: resolver === undefined ? {} : readAccess(context, resolver, text) };
}

function readAccess(context: TransferContext, resolver: RegistryResolver, reference: string): RegistryAccess {
  const { authStream, headers, hostDir, defaultScheme } = resolver;
  const trace = tracer(context, resolver);
  return {
    ...(authStream === '' ? {} : { askCredentials: askOverStream(context.useStream(authStream), reference) }),
    ...(Object.keys(headers).length === 0 ? {} : { headers: { ...headers } }),
    ...(hostDir === '' ? {} : { hostDir }),
    ...(defaultScheme === '' ? {} : { defaultScheme: readScheme(defaultScheme) }),
    ...(trace === undefined ? {} : { trace }),
  };
}

function readScheme(scheme: string): 'http' | 'https' {
  if (scheme === 'http' || scheme === 'https') return scheme;
  throw new EngineError('invalid-argument', `Cannot use scheme "${scheme}" for a registry: it must be http or https`);
}

const longestTrace = 1000;

/** Where the client wants to read what is said to registries: on a stream of its own, or in the daemon's log. */
function tracer(
  { core, useStream, signal }: TransferContext,
  { httpDebug, logsStream }: RegistryResolver,
): RegistryAccess['trace'] {
  if (httpDebug === HTTPDebug.DISABLED) return undefined;
  if (logsStream === '') return (line) => core.logger.info('registry', { line });
  const lines = new BoundedQueue<Uint8Array>(longestTrace);
  writeBytes(useStream(logsStream), lines, signal).catch(() => lines.close());
  return (line) => void lines.offer(Buffer.from(`${line}\n`));
}
