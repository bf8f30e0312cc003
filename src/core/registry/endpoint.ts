import { isLoopbackHost } from '#/core/registry/proxy.ts';
import type { Connections } from '#/core/registry/connections.ts';
import type { RegistryOptions } from '#/core/registry/contract.ts';

/** The hosts' own names where an image reference says something shorter. */
const realHosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** Where a registry's API is: `https://host[:port]`; a registry on this machine may speak plain http. */
export async function findEndpoint(
  connections: Connections,
  domain: string,
  {
    defaultScheme,
    signal,
  }: { readonly defaultScheme?: RegistryOptions['defaultScheme']; readonly signal: AbortSignal | undefined },
): Promise<URL> {
  const host = realHosts[domain] ?? domain;
  if (defaultScheme !== undefined) return new URL(`${defaultScheme}://${host}`);
  const encrypted = new URL(`https://${host}`);
  if (!isLoopbackHost(encrypted.hostname)) return encrypted;
  const plain = new URL(`http://${host}`);
  const plainAnswer = await probe(connections, plain, signal);
  if (plainAnswer !== undefined && plainAnswer !== badRequest) return plain;
  const encryptedAnswer = await probe(connections, encrypted, signal);
  return encryptedAnswer !== undefined || plainAnswer === badRequest ? encrypted : plain;
}

/** What a TLS server answers to plain http, where it answers at all. */
const badRequest = 400;

/** The status of the API's root; undefined when there was no answer. */
async function probe(
  connections: Connections,
  base: URL,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  try {
    await using response = await connections.send({ method: 'GET', url: new URL('/v2/', base), signal });
    return response.status;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
