import { EngineError } from '#/base/errors.ts';
import type { PushBlob } from '#/core/registry/contract.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pullScope, pushScope, quoted, type RepositoryName } from '#/core/registry/repository-name.ts';
import { beginUpload, sessionOf, uploadBlob, type Upload, type UploadSession } from '#/core/registry/upload-blob.ts';
import type { Digest } from '#/oci/digest.ts';

export async function hasBlob(
  client: RegistryClient,
  name: RepositoryName,
  { digest, scope }: { readonly digest: Digest; readonly scope: string },
): Promise<boolean> {
  await using response = await client.call({
    tried: `look for blob ${digest} in ${quoted(name)}`,
    method: 'HEAD',
    target: `${name.path}/blobs/${digest}`,
    scopes: [scope],
    accept: [404],
  });
  return response.status !== 404;
}

/** Makes a blob exist in the repository with as few bytes as possible (distribution-spec, "Pushing a blob"). */
export async function pushBlob(
  client: RegistryClient,
  name: RepositoryName,
  blob: PushBlob,
): Promise<'pushed' | 'exists' | 'mounted'> {
  const { digest } = blob.descriptor;
  if (await hasBlob(client, name, { digest, scope: pushScope(name) })) return 'exists';
  const upload: Upload = { client, name, blob, tried: `push blob ${digest} to ${quoted(name)}` };
  const session = await begin(upload, blob.mountFrom);
  if (session === 'mounted') return 'mounted';
  await uploadBlob(upload, session);
  return 'pushed';
}

async function begin(upload: Upload, mountFrom: string | undefined): Promise<UploadSession | 'mounted'> {
  if (mountFrom === undefined || mountFrom === upload.name.path) return await beginUpload(upload);
  const { client, name, blob, tried } = upload;
  const query = new URLSearchParams({ mount: blob.descriptor.digest, from: mountFrom });
  const from = { ...name, path: mountFrom };
  try {
    await using response = await client.call({
      tried,
      method: 'POST',
      target: `${name.path}/blobs/uploads/?${query.toString()}`,
      scopes: [pushScope(name), pullScope(from)],
    });
    return response.status === 201 ? 'mounted' : sessionOf(upload, response);
  } catch (error) {
    // The other repository may be closed to us; a mount is only a short cut.
    if (error instanceof EngineError && error.kind !== 'unavailable') return await beginUpload(upload);
    throw error;
  }
}
