import { createHash } from 'node:crypto';
import { EngineError } from '#/base/errors.ts';
import { parseJson } from '#/core/registry/answer-error.ts';
import type { HttpResponse } from '#/core/registry/connections.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import { pullScope, quoted, type RepositoryName } from '#/core/registry/repository-name.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { algorithmOf, hexOf, isDigest, parseDigest, sha256Digest, type Digest } from '#/oci/digest.ts';
import { maxManifestBytes, mediaTypes } from '#/oci/manifest.ts';

const accept = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  '*/*;q=0.1',
].join(', ');

const anyFailure = Array.from({ length: 200 }, (_, index) => 400 + index);
/** Answers of registries that have no HEAD. */
const noHead: readonly number[] = [405, 501];

/** The descriptor of a tag or digest: by HEAD where that tells enough, else by reading the manifest. */
export async function resolveManifest(client: RegistryClient, name: RepositoryName): Promise<Descriptor> {
  const wanted = name.reference.digest ?? name.reference.tag ?? 'latest';
  const call = {
    tried: `resolve ${quoted(name)}`,
    target: `${name.path}/manifests/${wanted}`,
    scopes: [pullScope(name)],
    headers: { accept },
  };
  const head = await client.call({ ...call, method: 'HEAD', accept: client.hurried ? noHead : anyFailure });
  await head[Symbol.asyncDispose]();
  const told = head.status < 300 ? describe(head, name.reference.digest) : undefined;
  if (told !== undefined) return told;
  await using response = await client.call({ ...call, method: 'GET' });
  const bytes = await readManifest(response, { limit: maxManifestBytes, tried: call.tried });
  return {
    mediaType: mediaTypeOf(response) ?? statedType(bytes.data, { response, tried: call.tried }),
    digest: bytes.check(name.reference.digest),
    size: bytes.data.byteLength,
  };
}

/** What the headers of a HEAD say, unless something is missing. */
function describe(head: HttpResponse, expected: Digest | undefined): Descriptor | undefined {
  const digest = head.header('docker-content-digest') ?? expected ?? '';
  const size = Number(head.header('content-length') ?? Number.NaN);
  const mediaType = mediaTypeOf(head);
  if (!isDigest(digest) || !Number.isSafeInteger(size) || size <= 0 || mediaType === undefined) return undefined;
  if (expected !== undefined && digest !== expected) return undefined;
  return { mediaType, digest, size };
}

/** Types that say nothing of a manifest. */
const vague: ReadonlySet<string> = new Set([
  '',
  'application/json',
  'application/octet-stream',
  'text/html',
  'text/plain',
]);

function mediaTypeOf(response: HttpResponse): string | undefined {
  const type = response.header('content-type')?.split(';')[0]?.trim() ?? '';
  return vague.has(type) ? undefined : type;
}

function statedType(
  data: Uint8Array,
  { response, tried }: { readonly response: HttpResponse; readonly tried: string },
): string {
  const document = parseJson(Buffer.from(data).toString('utf8'));
  if (typeof document !== 'object' || document === null) {
    const type = (response.header('content-type') ?? '').slice(0, 100);
    throw new EngineError('data-loss', `Cannot ${tried}: the answer is ${JSON.stringify(type)} and no manifest`);
  }
  return 'mediaType' in document && typeof document.mediaType === 'string'
    ? document.mediaType
    : mediaTypes.ociManifest;
}

/** A manifest's bytes by its digest; anything but exactly the described bytes is refused. */
export async function fetchManifest(
  client: RegistryClient,
  name: RepositoryName,
  { descriptor, limit }: { readonly descriptor: Descriptor; readonly limit: number },
): Promise<Uint8Array> {
  const tried = `fetch manifest ${descriptor.digest} of ${quoted(name)}`;
  if (descriptor.size > limit)
    throw new EngineError(
      'resource-exhausted',
      `Cannot ${tried}: its ${descriptor.size} bytes are more than the ${limit} that a manifest may have`,
    );
  await using response = await client.call({
    tried,
    method: 'GET',
    target: `${name.path}/manifests/${descriptor.digest}`,
    scopes: [pullScope(name)],
    headers: { accept: `${descriptor.mediaType}, ${accept}` },
  });
  const { data, check } = await readManifest(response, { limit: descriptor.size, tried });
  if (data.byteLength !== descriptor.size)
    throw new EngineError(
      'data-loss',
      `Cannot ${tried}: the registry sent ${data.byteLength} bytes where ${descriptor.size} were announced`,
    );
  check(descriptor.digest);
  return data;
}

interface ReadManifest {
  readonly data: Uint8Array;
  /** The digest of the bytes, by the algorithm of `expected`. Throws `data-loss` when it is not `expected`. */
  readonly check: (expected: Digest | undefined) => Digest;
}

async function readManifest(
  response: HttpResponse,
  { limit, tried }: { readonly limit: number; readonly tried: string },
): Promise<ReadManifest> {
  const chunks: Uint8Array[] = [];
  const hashes = { sha256: createHash('sha256'), sha512: createHash('sha512') };
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > limit)
      throw new EngineError(
        'data-loss',
        `Cannot ${tried}: the registry sends more than the ${limit} bytes that it may have`,
      );
    hashes.sha256.update(chunk);
    hashes.sha512.update(chunk);
    chunks.push(chunk);
  }
  const check = (expected: Digest | undefined): Digest => {
    const wide = expected !== undefined && algorithmOf(expected) === 'sha512';
    const digest = wide
      ? parseDigest(`sha512:${hashes.sha512.digest('hex')}`)
      : sha256Digest(hashes.sha256.digest('hex'));
    if (expected === undefined || hexOf(expected) === hexOf(digest)) return digest;
    throw new EngineError('data-loss', `Cannot ${tried}: the registry sent bytes with digest ${digest}`);
  };
  return { data: Buffer.concat(chunks), check };
}
