import { createApi } from '#/client/api-call.ts';
import { openContainers, type Containers } from '#/client/containers.ts';
import { openImages, type Images } from '#/client/images.ts';
import { agreedVersion, ping } from '#/client/negotiate.ts';
import { openSystem, type System } from '#/client/system.ts';

export interface ClientOptions {
  /** The daemon's docker.sock. */
  readonly socketPath: string;
  /** The containerd namespace that is meant; the daemon's own default where left out. */
  readonly namespace?: string;
  /** Fixes the API version; else the lower of ours and the daemon's is used. */
  readonly apiVersion?: string;
  readonly userAgent?: string;
  /** Hears of each request before it is sent: for debugging. */
  readonly onRequest?: (line: string) => void;
}

/**
 * berthd, or any daemon that speaks the Docker Engine API, over its unix socket. Nothing is sent before the first call,
 * no connection outlives its call, so there is nothing to close. Failures are EngineError: `not-found`, `conflict`, …
 *
 *     const client = openClient({ socketPath: '/run/berth/docker.sock' });
 *     const { Id } = await client.containers.create({ Image: 'busybox', Cmd: ['date'] }, { name: 'clock' });
 *     await client.containers.start(Id);
 */
export interface Client {
  readonly containers: Containers;
  readonly images: Images;
  readonly system: System;
  /** The API version that calls use; asks the daemon the first time. */
  apiVersion(): Promise<string>;
}

export function openClient(options: ClientOptions): Client {
  const { socketPath } = options;
  const headers: Record<string, string> = { 'User-Agent': options.userAgent ?? 'berth' };
  if (options.namespace !== undefined) headers['X-Berth-Namespace'] = options.namespace;
  let agreed: Promise<string> | undefined =
    options.apiVersion === undefined ? undefined : Promise.resolve(options.apiVersion);
  const apiVersion = async (): Promise<string> => {
    agreed ??= ping(socketPath, headers).then((answer) => agreedVersion(answer.apiVersion));
    try {
      return await agreed;
    } catch (error) {
      agreed = undefined;
      throw error;
    }
  };
  const api = createApi({ socketPath, apiVersion, headers, onRequest: options.onRequest });
  return {
    containers: openContainers(api),
    images: openImages(api),
    system: openSystem(api, () => ping(socketPath, headers)),
    apiVersion,
  };
}
