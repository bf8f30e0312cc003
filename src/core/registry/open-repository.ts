import { EngineError } from '#/base/errors.ts';
import type { Connections } from '#/core/registry/connections.ts';
import type { Repository } from '#/core/registry/contract.ts';
import { fetchBlob } from '#/core/registry/fetch-blob.ts';
import { hasBlob, pushBlob } from '#/core/registry/push-blob.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pullScope, pushScope, quoted, type RepositoryName } from '#/core/registry/repository-name.ts';
import { bodyOf } from '#/core/registry/request-body.ts';
import { fetchManifest, resolveManifest } from '#/core/registry/resolve-manifest.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Reference } from '#/oci/reference.ts';

/** Puts a repository together from its operations; closing it closes its connections. */
export function createRepository(reference: Reference, client: RegistryClient, connections: Connections): Repository {
  const name: RepositoryName = { reference, path: reference.path };
  return {
    reference,
    resolve: async () => await resolveManifest(client, name),
    fetchManifest: async (descriptor, limit) => await fetchManifest(client, name, { descriptor, limit }),
    fetchBlob: async (descriptor, offset) => await fetchBlob(client, name, { descriptor, offset }),
    hasBlob: async (digest) => await hasBlob(client, name, { digest, scope: pullScope(name) }),
    pushBlob: async (blob) => await pushBlob(client, name, blob),
    pushManifest: async (descriptor, bytes, tag) => await pushManifest(client, name, { descriptor, bytes, tag }),
    [Symbol.asyncDispose]: async () => await connections[Symbol.asyncDispose](),
  };
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
    target: `/v2/${name.path}/manifests/${tag ?? descriptor.digest}`,
    scopes: [pushScope(name)],
    headers: { 'content-type': descriptor.mediaType },
    body: bodyOf(bytes),
  });
  const stored = response.header('docker-content-digest');
  if (stored !== undefined && stored !== descriptor.digest)
    throw new EngineError('data-loss', `Cannot ${tried}: the registry stored it as "${stored.slice(0, 100)}"`);
}
