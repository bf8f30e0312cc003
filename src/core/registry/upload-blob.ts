import { EngineError, isKind } from '#/base/errors.ts';
import { answerError } from '#/core/registry/answer-error.ts';
import type { HttpResponse } from '#/core/registry/connections.ts';
import type { PushBlob } from '#/core/registry/contract.ts';
import { plainUrl } from '#/core/registry/network-error.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pushScope, type RepositoryName } from '#/core/registry/repository-name.ts';
import { bodyOf, type RequestBody } from '#/core/registry/request-body.ts';
import type { Digest } from '#/oci/digest.ts';

/** Answers of registries that take an upload only piece by piece, or not as large a piece at once. */
const wantsPieces: readonly number[] = [400, 405, 411, 413, 415, 416, 501];
const pieceSize = 8 * 1024 * 1024;
const largestPiece = 64 * 1024 * 1024;
/** How often an upload may break in a row without getting on. */
const uploadAttempts = 5;

export interface Upload {
  readonly client: RegistryClient;
  readonly name: RepositoryName;
  readonly blob: PushBlob;
  readonly tried: string;
}

/** An upload that the registry has opened. */
export interface UploadSession {
  readonly location: URL;
  /** The shortest piece that the registry takes, or a good one. */
  readonly pieceSize: number;
  /** Bytes that the registry has. */
  readonly sent: number;
  /** The registry did not take all at once. */
  readonly inPieces: boolean;
}

/**
 * Sends a blob's bytes: all at once where the registry takes that, else in pieces. What breaks off is gone on with where
 * the registry says that it stands, and begun anew where it does not say.
 */
export async function uploadBlob(upload: Upload, first: UploadSession): Promise<void> {
  let session = first;
  let best = 0;
  for (let failures = 0; ;) {
    try {
      return await send(upload, session, (next) => (session = next));
    } catch (error) {
      failures = session.sent > best ? 0 : failures + 1;
      best = Math.max(best, session.sent);
      if (failures >= uploadAttempts || !isKind(error, 'unavailable')) throw error;
    }
    session = (await askWhereItStands(upload, session)) ?? {
      ...(await beginUpload(upload)),
      inPieces: session.inPieces,
    };
  }
}

type Moved = (session: UploadSession) => void;

async function send(upload: Upload, session: UploadSession, moved: Moved): Promise<void> {
  if (!session.inPieces && (await sendWhole(upload, session))) return;
  const begun = session.inPieces ? session : { ...(await beginUpload(upload)), inPieces: true };
  moved(begun);
  await sendPieces(upload, begun, moved);
}

export async function beginUpload(upload: Upload): Promise<UploadSession> {
  const { client, name, tried } = upload;
  const target = `${name.path}/blobs/uploads/`;
  await using response = await client.call({ tried, method: 'POST', target, scopes: [pushScope(name)] });
  return sessionOf(upload, response);
}

export function sessionOf({ client, tried }: Upload, response: HttpResponse): UploadSession {
  const shortest = Number(response.header('oci-chunk-min-length') ?? 0);
  return {
    location: client.location(response, tried),
    pieceSize: Math.min(largestPiece, Math.max(pieceSize, Number.isSafeInteger(shortest) ? shortest : 0)),
    sent: 0,
    inPieces: false,
  };
}

/** Answers that say that the upload is gone: a registry forgets one that broke off, and may have been restarted. */
const lost: readonly number[] = [404, 410];
/** The registry stands elsewhere than the piece begins. */
const rangeMismatch = 416;

async function lostUpload({ tried }: Upload, response: HttpResponse): Promise<EngineError> {
  const { message } = await answerError(tried, response);
  return new EngineError('unavailable', message);
}

/** False where the registry wants pieces. */
async function sendWhole(upload: Upload, { location }: UploadSession): Promise<boolean> {
  const { client, name, blob, tried } = upload;
  await using response = await client.call({
    tried,
    method: 'PUT',
    target: withDigest(location, blob.descriptor.digest),
    scopes: [pushScope(name)],
    headers: { 'content-type': 'application/octet-stream' },
    body: countedBody(blob),
    accept: [...wantsPieces, ...lost],
    retry: 'answers',
  });
  if (lost.includes(response.status)) throw await lostUpload(upload, response);
  if (response.status >= 300) return false;
  checkStored(response, upload);
  return true;
}

function countedBody({ descriptor, read, onProgress }: PushBlob): RequestBody {
  return {
    size: descriptor.size,
    read: async function* () {
      let sent = 0;
      for await (const chunk of read(0)) {
        yield chunk;
        sent += chunk.byteLength;
        onProgress?.(sent);
      }
    },
  };
}

async function sendPieces(upload: Upload, session: UploadSession, moved: Moved): Promise<void> {
  const { client, name, blob, tried } = upload;
  const scopes = [pushScope(name)];
  let { location, sent } = session;
  for await (const piece of inPieces(blob.read(sent), session.pieceSize)) {
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
      accept: [...lost, rangeMismatch],
      retry: 'answers',
    });
    if (response.status >= 400) throw await lostUpload(upload, response);
    location = client.location(response, tried);
    sent += piece.byteLength;
    moved({ ...session, location, sent });
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

/** Answers that say that the upload is no more, or that nobody knows how far it came. */
const unknownUpload: readonly number[] = [400, 404, 405, 410, 416, 501];

/** What the registry has of a broken upload (distribution-spec, "Get blob upload status"); undefined where it cannot say. */
async function askWhereItStands(upload: Upload, session: UploadSession): Promise<UploadSession | undefined> {
  const { client, name, blob, tried } = upload;
  await using response = await client.call({
    tried: `${tried} from where it broke off`,
    method: 'GET',
    target: session.location,
    scopes: [pushScope(name)],
    accept: unknownUpload,
  });
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(response.header('range') ?? '') ?? [];
  if (response.status >= 300 || last === undefined) return undefined;
  // "0-0" is what registries say of nothing.
  const sent = last === '0' ? 0 : Number(last) + 1;
  if (sent > blob.descriptor.size) return undefined;
  const location = response.header('location') === undefined ? session.location : client.location(response, tried);
  return { ...session, location, sent, inPieces: session.inPieces || sent > 0 };
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
