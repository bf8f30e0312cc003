import { EngineError, errnoOf } from '#/base/errors.ts';
import { openClient, type Client } from '#/client/client.ts';
import { chooseEndpoint, type Endpoint } from '#/cli/endpoint.ts';
import type { Globals } from '#/cli/globals.ts';
import type { Output } from '#/cli/output.ts';
import { version } from '#/cli/version-number.ts';

export interface ConnectOptions {
  readonly globals: Globals;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly err: Output;
}

/** A client whose daemon has answered. Our own daemon is started when nobody listens on its socket. */
export async function connectToDaemon({ globals, env, err }: ConnectOptions): Promise<Client> {
  const endpoint = chooseEndpoint(globals, env);
  const fixedVersion = env['DOCKER_API_VERSION'] || undefined;
  const client = openClient({
    socketPath: endpoint.socketPath,
    userAgent: `berth/${version}`,
    ...(globals.namespace === undefined ? {} : { namespace: globals.namespace }),
    ...(fixedVersion === undefined ? {} : { apiVersion: fixedVersion }),
    ...(globals.debug ? { onRequest: (line) => err.line(`debug: ${line}`) } : {}),
  });
  try {
    await answered(client, fixedVersion);
  } catch (error) {
    if (!nobodyListens(error)) throw explained(error, endpoint);
    if (endpoint.stateDirectory === undefined) throw explained(error, endpoint);
    const { startDaemon } = await import('#/cli/start-daemon.ts');
    await startDaemon({ stateDirectory: endpoint.stateDirectory, socketPath: endpoint.socketPath, env, err });
    await answered(client, fixedVersion);
  }
  return client;
}

async function answered(client: Client, fixedVersion: string | undefined): Promise<void> {
  if (fixedVersion === undefined) await client.apiVersion();
  else await client.system.ping();
}

function nobodyListens(error: unknown): boolean {
  const errno = error instanceof EngineError ? errnoOf(error.cause) : undefined;
  return errno === 'ENOENT' || errno === 'ECONNREFUSED';
}

function explained(error: unknown, endpoint: Endpoint): unknown {
  if (!(error instanceof EngineError)) return error;
  if (error.kind === 'permission-denied')
    return new EngineError(error.kind, `${error.message}; run berth as root, or as a user who may use this socket`, {
      cause: error,
    });
  if (nobodyListens(error) && endpoint.stateDirectory === undefined)
    return new EngineError(
      error.kind,
      `${error.message}; is the daemon there? DOCKER_HOST or --host chose this socket, so berth does not start one`,
      { cause: error },
    );
  return error;
}
