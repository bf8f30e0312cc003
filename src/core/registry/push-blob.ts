import { EngineError } from '#/base/errors.ts';
import type { HttpResponse } from '#/core/registry/connections.ts';
import type { PushBlob } from '#/core/registry/contract.ts';
import { plainUrl } from '#/core/registry/network-error.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pullScope, pushScope, quoted, type RepositoryName } from '#/core/registry/repository-name.ts';
import { bodyOf, type RequestBody } from '#/core/registry/request-body.ts';
import type { Digest } from '#/oci/digest.ts';

/** Answers of registries that take an upload only piece by piece, or not as large a piece at once. */
const wantsPieces: readonly number[] = [400, 405, 411, 413, 415, 416, 501];
const pieceSize = 8 * 1024 * 1024;
const largestPiece = 64 * 1024 * 1024;
/** An upload's address works once, so a broken upload begins again with a new one. */
const uploadAttempts = 3;

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
  let session = await begin(upload, blob.mountFrom);
  if (session === 'mounted') return 'mounted';
  for (let attempt = 1; ; attempt += 1) {
    try {
      await uploadWhole(upload, session);
      return 'pushed';
    } catch (error) {
      if (attempt >= uploadAttempts || !(error instanceof EngineError) || error.kind !== 'unavailable') throw error;
      session = await beginPlain(upload);
    }
  }
}

interface Upload {
  readonly client: RegistryClient;
  readonly name: RepositoryName;
  readonly blob: PushBlob;
  readonly tried: string;
}

/** Where to send the bytes, and the shortest piece that the registry takes. */
interface UploadSession {
  readonly location: URL;
  readonly pieceSize: number;
}

async function begin(upload: Upload, mountFrom: string | undefined): Promise<UploadSession | 'mounted'> {
  if (mountFrom === undefined || mountFrom === upload.name.path) return await beginPlain(upload);
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
    if (error instanceof EngineError && error.kind !== 'unavailable') return await beginPlain(upload);
    throw error;
  }
}

async function beginPlain(upload: Upload): Promise<UploadSession> {
  const { client, name, tried } = upload;
  const target = `${name.path}/blobs/uploads/`;
  await using response = await client.call({ tried, method: 'POST', target, scopes: [pushScope(name)] });
  return sessionOf(upload, response);
}

function sessionOf({ client, tried }: Upload, response: HttpResponse): UploadSession {
  const shortest = Number(response.header('oci-chunk-min-length') ?? 0);
  return {
    location: client.location(response, tried),
    pieceSize: Math.min(largestPiece, Math.max(pieceSize, Number.isSafeInteger(shortest) ? shortest : 0)),
  };
}

async function uploadWhole(upload: Upload, session: UploadSession): Promise<void> {
  const { client, name, blob, tried } = upload;
  await using response = await client.call({
    tried,
    method: 'PUT',
    target: withDigest(session.location, blob.descriptor.digest),
    scopes: [pushScope(name)],
    headers: { 'content-type': 'application/octet-stream' },
    body: countedBody(blob),
    accept: wantsPieces,
  });
  if (response.status < 300) return checkStored(response, upload);
  await uploadInPieces(upload, await beginPlain(upload));
}

function countedBody({ descriptor, read, onProgress }: PushBlob): RequestBody {
  return {
    size: descriptor.size,
    read: async function* () {
      let sent = 0;
      for await (const chunk of read()) {
        yield chunk;
        sent += chunk.byteLength;
        onProgress?.(sent);
      }
    },
  };
}

async function uploadInPieces(upload: Upload, session: UploadSession): Promise<void> {
  const { client, name, blob, tried } = upload;
  const scopes = [pushScope(name)];
  let { location } = session;
  let sent = 0;
  for await (const piece of inPieces(blob.read(), session.pieceSize)) {
    await using response = await client.call({
      tried,
      method: 'PATCH',
      target: location,
      scopes,
      headers: {
        'content-type': 'application/octet-stream',
        'content-range': `${sent}-${sent + piece.byteLength - 1}`,
      },
      body: bodyOf(piece),
    });
    location = client.location(response, tried);
    sent += piece.byteLength;
    blob.onProgress?.(sent);
  }
  const target = withDigest(location, blob.descriptor.digest);
  await using response = await client.call({ tried, method: 'PUT', target, scopes });
  checkStored(response, upload);
}

async function* inPieces(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    length += chunk.byteLength;
    if (length < size) continue;
    yield Buffer.concat(held);
    held = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(held);
}

function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.searchParams.append('digest', digest);
  return url;
}

function checkStored(response: HttpResponse, { blob, tried }: Upload): void {
  const stored = response.header('docker-content-digest');
  if (stored !== undefined && stored !== blob.descriptor.digest)
    throw new EngineError(
      'data-loss',
      `Cannot ${tried}: ${plainUrl(response.url)} stored it as "${stored.slice(0, 100)}"`,
    );
}
