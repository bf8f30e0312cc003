import { EngineError } from '#/base/errors.ts';
import { errorOfResponse } from '#/client/api-error.ts';
import { exchange } from '#/client/http/exchange.ts';

/** The newest Docker API version that this client was written for. */
export const newestApiVersion = '1.51';
const oldestApiVersion = '1.24';

export interface Ping {
  /** What the daemon offers at most. */
  readonly apiVersion: string;
  readonly osType: string;
  readonly server: string;
}

export async function ping(socketPath: string, headers: Readonly<Record<string, string>>): Promise<Ping> {
  const response = await exchange(socketPath, { method: 'GET', path: '/_ping', headers });
  if (response.status >= 300) throw await errorOfResponse(response);
  response.close();
  const header = (name: string): string => response.headers.get(name) ?? '';
  return { apiVersion: header('api-version') || oldestApiVersion, osType: header('ostype'), server: header('server') };
}

/** The lower of the daemon's version and ours. Throws `failed-precondition` when the daemon is too old. */
export function agreedVersion(offered: string): string {
  if (!/^[0-9]{1,3}\.[0-9]{1,4}$/.test(offered))
    throw new EngineError('data-loss', `Cannot agree on an API version: the daemon offers ${JSON.stringify(offered)}`);
  if (compareVersions(offered, oldestApiVersion) < 0)
    throw new EngineError(
      'failed-precondition',
      `Cannot agree on an API version: the daemon has ${offered}, at least ${oldestApiVersion} is needed`,
    );
  return compareVersions(offered, newestApiVersion) < 0 ? offered : newestApiVersion;
}

export function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}
