/** A server of the echo service on a socket of its own, with a client: for the gRPC tests. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '#/base/log.ts';
import { Echo } from '#/rpc/echo.suite.ts';
import type { GrpcClient } from '#/rpc/grpc-client.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import type { GrpcServer } from '#/rpc/grpc-server.ts';
import { createGrpcServer, type GrpcServerOptions } from '#/rpc/grpc-server.ts';
import type { CallContext, ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

export interface GrpcRig extends AsyncDisposable {
  readonly client: GrpcClient;
  readonly server: GrpcServer;
  readonly path: string;
}

export async function openRig(
  functions: Partial<ServiceFunctions<typeof Echo>>,
  options: Pick<GrpcServerOptions, 'limits'> = {},
): Promise<GrpcRig> {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'grpc-')));
  const path = join(dir.path, 'berth.sock');
  const server = stack.use(
    createGrpcServer({ services: [bindService(Echo, functions)], logger: silentLogger, ...options }),
  );
  await server.listen({ path });
  const client = stack.use(await openGrpcClient(path));
  return { client, server, path, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

export async function* texts(...values: string[]): AsyncGenerator<{ value: string }> {
  for (const value of values) yield { value };
}

export async function collect(answers: AsyncIterable<{ value: string }>): Promise<string[]> {
  const values: string[] = [];
  for await (const { value } of answers) values.push(value);
  return values;
}

export const untilAborted = ({ signal }: CallContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
