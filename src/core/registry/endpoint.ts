import type { Connections } from '#/core/registry/connections.ts';
import type { RegistryHost } from '#/core/registry/registry-host.ts';

/** Root of a host's API, by the scheme that it speaks: where it may be either, https unless nothing answers to it. */
export async function findEndpoint(
  connections: Connections,
  { root, scheme }: Pick<RegistryHost, 'root' | 'scheme'>,
  signal: AbortSignal | undefined,
): Promise<URL> {
  if (scheme !== 'either') return withScheme(root, scheme);
  const [encrypted, plain] = [withScheme(root, 'https'), withScheme(root, 'http')];
  if (await answers(connections, encrypted, signal)) return encrypted;
  return (await answers(connections, plain, signal)) ? plain : encrypted;
}

function withScheme(root: URL, scheme: 'https' | 'http'): URL {
  const url = new URL(root);
  url.protocol = `${scheme}:`;
  return url;
}

async function answers(connections: Connections, root: URL, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const url = new URL(`${root.href}/`);
    await using _response = await connections.send({ method: 'GET', url, signal });
    return true;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}
