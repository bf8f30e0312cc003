import { EngineError, isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Content, type Info } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { maxManifestBytes } from '#/oci/manifest.ts';

/** Every blob that passes one of the filters, as they come. */
export async function* listContent(client: ContainerdClient, filters: readonly string[]): AsyncGenerator<Info> {
  for await (const { info } of client.stream(Content.method.list, { filters: [...filters] })) yield* info;
}

/** Throws `not-found`. */
export async function getContentInfo(client: ContainerdClient, digest: string): Promise<Info> {
  const { info } = await client.call(Content.method.info, { digest });
  if (info === undefined) throw new EngineError('internal', `Cannot look at blob "${digest}": the answer is empty`);
  return info;
}

export async function findContentInfo(client: ContainerdClient, digest: string): Promise<Info | undefined> {
  try {
    return await getContentInfo(client, digest);
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

/** The bytes of a blob in pieces. Throws `not-found`. */
export async function* readContent(client: ContainerdClient, digest: string): AsyncGenerator<Uint8Array> {
  for await (const { data } of client.stream(Content.method.read, { digest })) yield data;
}

/** A manifest, index or config whole. Throws `not-found`, and `resource-exhausted` for what is too large to be one. */
export async function readDocument(client: ContainerdClient, digest: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of readContent(client, digest)) {
    size += chunk.length;
    if (size > maxManifestBytes)
      throw new EngineError(
        'resource-exhausted',
        `Cannot read "${digest}" as a document: it has more than ${maxManifestBytes} bytes`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
