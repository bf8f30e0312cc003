import { join, resolve } from 'node:path';
import type { Globals } from '#/cli/globals.ts';
import { UsageError } from '#/cli/usage-error.ts';

/** Which daemon is meant. One that is ours to start has a state directory. */
export interface Endpoint {
  readonly socketPath: string;
  readonly stateDirectory?: string;
}

const defaultState = '/run/berth';

/** `-H`, `--state`, BERTH_STATE, DOCKER_HOST, in this order; else berth's own default. Throws UsageError. */
export function chooseEndpoint(
  globals: Pick<Globals, 'host' | 'state'>,
  env: Readonly<Record<string, string | undefined>>,
): Endpoint {
  if (globals.host !== undefined && globals.state !== undefined)
    throw new UsageError('"--host" and "--state" both name a daemon: give one of them');
  if (globals.host !== undefined) return ofHost(globals.host, '--host');
  const state = globals.state ?? (env['BERTH_STATE'] || undefined);
  if (state !== undefined) return ofState(state);
  const host = env['DOCKER_HOST'] || undefined;
  return host === undefined ? ofState(defaultState) : ofHost(host, 'DOCKER_HOST');
}

function ofState(directory: string): Endpoint {
  if (directory === '') throw new UsageError('"--state" needs a directory');
  const stateDirectory = resolve(directory);
  return { socketPath: join(stateDirectory, 'docker.sock'), stateDirectory };
}

function ofHost(host: string, origin: string): Endpoint {
  const scheme = /^([a-z0-9+]+):\/\//i.exec(host)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'unix')
    throw new UsageError(
      `${origin} is ${JSON.stringify(host)}: berth talks to unix sockets only, as unix:///path/to.sock`,
    );
  const path = scheme === undefined ? host : host.slice('unix://'.length);
  if (!path.startsWith('/'))
    throw new UsageError(`${origin} is ${JSON.stringify(host)}: expected unix:// and an absolute path`);
  return path === join(defaultState, 'docker.sock') ? ofState(defaultState) : { socketPath: path };
}
