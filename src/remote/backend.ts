import { EngineError, isKind } from '#/base/errors.ts';
import { openGrpcClient, type GrpcClient } from '#/rpc/grpc-client.ts';
import type { GrpcCallOptions } from '#/rpc/grpc-client-call.ts';

/** Another process that does a part of our work over gRPC. */
export interface BackendAddress {
  /** As configured: `snapshotter "stargz"`. */
  readonly what: string;
  /** A unix socket. */
  readonly address: string;
}

/** No call lasts longer: preparing a layer may mean to ask a registry, applying one to unpack it. */
const longestCall = 30 * 60_000;

/**
 * The connection to a backend, made at the first call and made anew when it broke. A backend that is not there fails
 * the calls that need it with `unavailable`, and nothing else.
 */
export class Backend implements AsyncDisposable {
  readonly #place: BackendAddress;
  #connection: Promise<GrpcClient> | undefined;

  constructor(place: BackendAddress) {
    this.#place = place;
  }

  async client(): Promise<GrpcClient> {
    const connection = (this.#connection ??= this.#connect());
    try {
      return await connection;
    } catch (error) {
      this.#forget(connection);
      if (!isKind(error, 'unavailable')) throw error;
      const { what, address } = this.#place;
      throw new EngineError('unavailable', `Cannot reach ${what}: nobody answers at "${address}"; is it running`, {
        cause: error,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    const client = await connection?.catch(() => undefined);
    await client?.[Symbol.asyncDispose]();
  }

  async #connect(): Promise<GrpcClient> {
    const client = await openGrpcClient(this.#place.address);
    const connection = this.#connection;
    void client.closed.then(() => this.#forget(connection));
    return client;
  }

  #forget(connection: Promise<GrpcClient> | undefined): void {
    if (this.#connection === connection) this.#connection = undefined;
  }
}

/** What goes along with a call in a namespace. A lease stays here: it is not the backend's. */
export function callIn(namespace: string, signal?: AbortSignal): GrpcCallOptions {
  const metadata = { 'containerd-namespace': namespace };
  return { metadata, timeoutMs: longestCall, ...(signal === undefined ? {} : { signal }) };
}
