import { join, resolve } from 'node:path';
import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';
import { openContainerdClient, type ContainerdClient } from '#/client/containerd/containerd-client.ts';
import type { CtrGlobals } from '#/cli/ctr/ctr-globals.ts';
import type { Output } from '#/cli/output.ts';

const defaultState = '/run/berth';

export interface CtrConnectOptions {
  readonly globals: CtrGlobals;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly err: Output;
  readonly signal: AbortSignal | undefined;
}

/** Connects to the daemon that is meant. Our own is started when nobody listens on its socket. */
export async function connectToContainerd(options: CtrConnectOptions): Promise<ContainerdClient> {
  const { globals, env, err, signal } = options;
  const { address, stateDirectory } = chooseSocket(globals);
  const open = (): Promise<ContainerdClient> =>
    openContainerdClient({
      address,
      namespace: globals.namespace,
      signal,
      connectTimeoutMs: globals.connectTimeoutMs,
    });
  try {
    return await open();
  } catch (error) {
    if (stateDirectory === undefined || !nobodyListens(error)) throw explained(error, address);
    const { startDaemon } = await import('#/cli/start-daemon.ts');
    await startDaemon({ stateDirectory, socketPath: address, env, err });
    return await open();
  }
}

interface ChosenSocket {
  readonly address: string;
  /** Only a daemon that is ours to start has one. */
  readonly stateDirectory?: string;
}

/** `--address` or CONTAINERD_ADDRESS, else the berthd of `--state` or BERTH_STATE. */
export function chooseSocket({ address, state }: Pick<CtrGlobals, 'address' | 'state'>): ChosenSocket {
  const path = address?.replace(/^unix:\/\//, '');
  if (path !== undefined && path !== join(defaultState, 'berth.sock')) return { address: path };
  const stateDirectory = resolve(path === undefined ? (state ?? defaultState) : defaultState);
  return { address: join(stateDirectory, 'berth.sock'), stateDirectory };
}

const causeOf = (error: unknown): string | undefined =>
  error instanceof EngineError ? errnoOf(error.cause) : undefined;

function nobodyListens(error: unknown): boolean {
  const errno = causeOf(error);
  return errno === 'ENOENT' || errno === 'ECONNREFUSED';
}

function explained(error: unknown, address: string): unknown {
  const errno = causeOf(error);
  if (errno === 'EACCES' || errno === 'EPERM')
    return new EngineError(
      'permission-denied',
      `Cannot use the socket "${address}": permission denied; run this as root, or as a user who may use it`,
    );
  if (nobodyListens(error)) {
    const why = errno === 'ENOENT' ? 'there is no such socket' : 'nobody listens on it';
    return new EngineError(
      'unavailable',
      `Cannot reach the daemon at "${address}": ${why}; start it, or leave out --address and CONTAINERD_ADDRESS to use (and start) berth's own`,
    );
  }
  if (error instanceof EngineError) return error;
  return new EngineError('unavailable', `Cannot reach the daemon at "${address}": ${messageOf(error)}`, {
    cause: error,
  });
}
