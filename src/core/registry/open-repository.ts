import { EngineError } from '#/base/errors.ts';
import type { FetchedBlob, Repository } from '#/core/registry/contract.ts';
import { fetchBlob, type BlobBytes } from '#/core/registry/fetch-blob.ts';
import type { PartSettings } from '#/core/registry/fetch-parts.ts';
import { hasBlob, pushBlob } from '#/core/registry/push-blob.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pullScope, pushScope, quoted, type RepositoryName } from '#/core/registry/repository-name.ts';
import { bodyOf } from '#/core/registry/request-body.ts';
import { fetchManifest, resolveManifest } from '#/core/registry/resolve-manifest.ts';
import { distrust, findPusher, tryHosts, type Hosts } from '#/core/registry/try-hosts.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Reference } from '#/oci/reference.ts';

/** Puts a repository together from its operations: reading asks the hosts in turn, writing goes to the first that takes it. */
export function createRepository(reference: Reference, hosts: Hosts, parts?: PartSettings): Repository {
  const name: RepositoryName = { reference, path: reference.path };
  const read = async <T>(what: string, use: (client: RegistryClient) => Promise<T>): Promise<T> =>
    await tryHosts(hosts, { tried: `${what} of ${quoted(name)}`, needs: ['pull'], use });
  const pusher = (what: string): RegistryClient => findPusher(hosts, `${what} to ${quoted(name)}`);
  return {
    reference,
    resolve: async () =>
      await tryHosts(hosts, {
        tried: `resolve ${quoted(name)}`,
        needs: reference.digest === undefined ? ['pull', 'resolve'] : ['pull'],
        use: async (client) => await resolveManifest(client, name),
      }),
    fetchManifest: async (descriptor, limit) =>
      await read(`fetch manifest ${descriptor.digest}`, async (client) =>
        fetchManifest(client, name, { descriptor, limit }),
      ),
    fetchBlob: async (descriptor, offset) =>
      await read(`fetch blob ${descriptor.digest}`, async (client) =>
        watch(hosts, client, await fetchBlob(client, name, { descriptor, offset, parts })),
      ),
    hasBlob: async (digest) =>
      await read(`look for blob ${digest}`, async (client) =>
        hasBlob(client, name, { digest, scope: pullScope(name) }),
      ),
    pushBlob: async (blob) => await pushBlob(pusher(`push blob ${blob.descriptor.digest}`), name, blob),
    pushManifest: async (descriptor, bytes, tag) => {
      const client = pusher(`push manifest ${descriptor.digest}`);
      await pushManifest(client, name, { descriptor, bytes, tag });
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of hosts.clients) await client[Symbol.asyncDispose]();
    },
  };
}

/** A host whose answer breaks off is asked last when the rest is fetched. */
function watch(hosts: Hosts, client: RegistryClient, { start, body }: BlobBytes): FetchedBlob {
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      hosts.shunned.add(client.host);
      throw error;
    }
  };
  return { start, body: watched(), distrust: () => distrust(hosts, client) };
}

interface PushedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly tag: string | undefined;
}

async function pushManifest(client: RegistryClient, name: RepositoryName, manifest: PushedManifest): Promise<void> {
  const { descriptor, bytes, tag } = manifest;
  const tried = `push manifest ${descriptor.digest} to ${quoted(name)}`;
  await using response = await client.call({
    tried,
    method: 'PUT',
    target: `${name.path}/manifests/${tag ?? descriptor.digest}`,
    scopes: [pushScope(name)],
    headers: { 'content-type': descriptor.mediaType },
    body: bodyOf(bytes),
  });
  const stored = response.header('docker-content-digest');
  if (stored !== undefined && stored !== descriptor.digest)
    throw new EngineError('data-loss', `Cannot ${tried}: the registry stored it as "${stored.slice(0, 100)}"`);
}
