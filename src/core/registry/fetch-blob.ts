import { EngineError } from '#/base/errors.ts';
import type { HttpResponse } from '#/core/registry/connections.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pullScope, quoted, type RepositoryName } from '#/core/registry/repository-name.ts';
import type { Descriptor } from '#/oci/descriptor.ts';

export interface BlobBytes {
  readonly start: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A blob from `offset`, or from the start where a server does not know ranges. */
export async function fetchBlob(
  client: RegistryClient,
  name: RepositoryName,
  { descriptor, offset }: { readonly descriptor: Descriptor; readonly offset: number },
): Promise<BlobBytes> {
  const tried = `fetch blob ${descriptor.digest} of ${quoted(name)}`;
  if (offset >= descriptor.size && descriptor.size > 0)
    throw new EngineError(
      'out-of-range',
      `Cannot ${tried}: it has ${descriptor.size} bytes, nothing from ${offset} on`,
    );
  const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const response = await request(client, name, { descriptor, headers, tried });
  try {
    const start = startOf(response, offset, tried);
    checkLength(response, { size: descriptor.size, start, tried });
    return { start, body: limited(response, { left: descriptor.size - start, tried }) };
  } catch (error) {
    await response[Symbol.asyncDispose]();
    throw error;
  }
}

interface BlobRequest {
  readonly descriptor: Descriptor;
  readonly headers: Readonly<Record<string, string>>;
  readonly tried: string;
}

/** Layers that may not be distributed name other places (image-spec layer.md); every other blob is the registry's. */
async function request(client: RegistryClient, name: RepositoryName, blob: BlobRequest): Promise<HttpResponse> {
  const { descriptor, headers, tried } = blob;
  const failures: EngineError[] = [];
  for (const url of placesElsewhere(descriptor)) {
    try {
      return await client.callElsewhere(url, headers, `${tried} from its own place`);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      failures.push(error);
    }
  }
  try {
    const target = `${name.path}/blobs/${descriptor.digest}`;
    return await client.call({ tried, method: 'GET', target, scopes: [pullScope(name)], headers });
  } catch (error) {
    throw failures[0] ?? error;
  }
}

const mostPlaces = 5;

function placesElsewhere({ mediaType, urls = [] }: Descriptor): URL[] {
  if (!mediaType.includes('.foreign.') && !mediaType.includes('.nondistributable.')) return [];
  return urls
    .slice(0, mostPlaces)
    .filter((url) => URL.canParse(url))
    .map((url) => new URL(url))
    .filter(({ protocol }) => protocol === 'https:' || protocol === 'http:');
}

function startOf(response: HttpResponse, offset: number, tried: string): number {
  if (response.status !== 206) return 0;
  const range = response.header('content-range') ?? '';
  const start = Number(/^bytes (\d+)-/.exec(range)?.[1] ?? Number.NaN);
  if (start === offset) return start;
  throw new EngineError(
    'unavailable',
    `Cannot ${tried}: asked for bytes from ${offset} on, the server gave "${range.slice(0, 80)}"`,
  );
}

/** A length that cannot be right is told before a byte is stored. */
function checkLength(
  response: HttpResponse,
  { size, start, tried }: { readonly size: number; readonly start: number; readonly tried: string },
): void {
  const length = response.header('content-length');
  if (length !== undefined && Number(length) !== size - start)
    throw new EngineError(
      'data-loss',
      `Cannot ${tried}: the server has ${Number(length) + start} bytes where the manifest says ${size}`,
    );
}

async function* limited(
  response: HttpResponse,
  { left, tried }: { left: number; readonly tried: string },
): AsyncGenerator<Uint8Array> {
  await using answer = response;
  for await (const chunk of answer.body) {
    left -= chunk.byteLength;
    if (left < 0)
      throw new EngineError('data-loss', `Cannot ${tried}: the server sends more bytes than the manifest says`);
    yield chunk;
  }
  if (left > 0)
    throw new EngineError('unavailable', `Cannot ${tried}: the server stopped ${left} bytes before the end`);
}
