import { EngineError } from '#/base/errors.ts';
import type { HttpResponse } from '#/core/registry/connections.ts';
import { fetchParts, splitRange, type ByteRange, type PartSettings } from '#/core/registry/fetch-parts.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pullScope, quoted, type RepositoryName } from '#/core/registry/repository-name.ts';
import type { Descriptor } from '#/oci/descriptor.ts';

export interface BlobBytes {
  readonly start: number;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface WantedBlob {
  readonly descriptor: Descriptor;
  readonly offset: number;
  /** How a large one is divided; without, it comes over one connection. */
  readonly parts?: PartSettings | undefined;
}

/** A blob from `offset`, or from the start where a server does not know ranges. */
export async function fetchBlob(client: RegistryClient, name: RepositoryName, wanted: WantedBlob): Promise<BlobBytes> {
  const { descriptor, offset, parts } = wanted;
  const { size } = descriptor;
  const tried = `fetch blob ${descriptor.digest} of ${quoted(name)}`;
  if (offset >= size && size > 0)
    throw new EngineError('out-of-range', `Cannot ${tried}: it has ${size} bytes, nothing from ${offset} on`);
  const whole: ByteRange = { from: offset, to: Math.max(0, size - 1) };
  const ranges = parts === undefined ? [whole] : splitRange(whole, parts.size);
  const [range = whole] = ranges;
  const first = await openRange(client, name, { descriptor, range, tried });
  if (parts === undefined || ranges.length === 1 || first.start !== offset || first.left > range.to - range.from + 1)
    return { start: first.start, body: first.body };
  const fetchPart = async (part: ByteRange, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> => {
    if (part === range) return first.body;
    const { start, body } = await openRange(client, name, { descriptor, range: part, tried, signal });
    if (start === part.from) return body;
    throw new EngineError('unavailable', `Cannot ${tried}: the server gives ranges no more`);
  };
  return { start: offset, body: fetchParts(ranges, parts.atOnce, fetchPart) };
}

interface BlobRequest {
  readonly descriptor: Descriptor;
  readonly range: ByteRange;
  readonly tried: string;
  readonly signal?: AbortSignal;
}

interface OpenedRange extends BlobBytes {
  /** How many bytes the body has to have. */
  readonly left: number;
}

async function openRange(client: RegistryClient, name: RepositoryName, blob: BlobRequest): Promise<OpenedRange> {
  const response = await request(client, name, blob);
  try {
    const { start, left } = extentOf(response, blob);
    return { start, left, body: limited(response, { left, tried: blob.tried }) };
  } catch (error) {
    await response[Symbol.asyncDispose]();
    throw error;
  }
}

/** The whole needs no range, and the rest none that ends. */
function rangeHeader({ from, to }: ByteRange, { size }: Descriptor): Readonly<Record<string, string>> {
  const end = to >= size - 1 ? '' : to;
  return from === 0 && end === '' ? {} : { range: `bytes=${from}-${end}` };
}

/** Layers that may not be distributed name other places (image-spec layer.md); every other blob is the registry's. */
async function request(client: RegistryClient, name: RepositoryName, blob: BlobRequest): Promise<HttpResponse> {
  const { descriptor, range, tried, signal } = blob;
  const headers = rangeHeader(range, descriptor);
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
    const abort = signal === undefined ? {} : { signal };
    return await client.call({ tried, method: 'GET', target, scopes: [pullScope(name)], headers, ...abort });
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

/** Where an answer starts and how long it must be. What cannot be right is told before a byte is stored. */
function extentOf(
  response: HttpResponse,
  { descriptor: { size }, range: { from, to }, tried }: BlobRequest,
): { readonly start: number; readonly left: number } {
  const partial = response.status === 206;
  if (partial) checkRange(response, { from, to, size, tried });
  const start = partial ? from : 0;
  const left = partial ? to - from + 1 : size;
  const length = response.header('content-length');
  if (length !== undefined && Number(length) !== left)
    throw new EngineError(
      'data-loss',
      `Cannot ${tried}: the server has ${Number(length) + start} bytes where the manifest says ${left + start}`,
    );
  return { start, left };
}

function checkRange(
  response: HttpResponse,
  { from, to, size, tried }: ByteRange & { readonly size: number; readonly tried: string },
): void {
  const given = response.header('content-range') ?? '';
  const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(given) ?? [];
  if (Number(start) === from && Number(end) === to && (total === '*' || Number(total) === size)) return;
  throw new EngineError(
    'unavailable',
    `Cannot ${tried}: asked for bytes from ${from} to ${to} of ${size}, the server gave "${given.slice(0, 80)}"`,
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
