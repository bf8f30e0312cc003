import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { isKind } from '#/base/errors.ts';
import { uncompressedLabel } from '#/core/images/gc-labels.ts';
import type { ReceiveContext } from '#/core/images/receive-archive.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { mediaTypes } from '#/oci/manifest.ts';

/** Makes a gzip blob of a plain layer, labelled with what it is uncompressed; other layers stay. */
export async function compressLayer(context: ReceiveContext, layer: Descriptor): Promise<Descriptor> {
  if (layer.mediaType !== mediaTypes.dockerLayer) return layer;
  const { parts, namespace, lease, signal } = context;
  const { content } = parts;
  const ref = `compress-blob-${layer.digest.replace(':', '-')}-${lease}`;
  await using ingest = await content.openIngest(namespace, { ref, lease });
  const labels = { [uncompressedLabel]: layer.digest };
  const plain = Readable.from(content.read(namespace, layer.digest), { objectMode: false });
  const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) await ingest.write(chunk);
  };
  await pipeline(plain, createGzip(), write, signal === undefined ? {} : { signal });
  const [digest, size] = [ingest.digest(), ingest.status().offset];
  try {
    await ingest.commit({ size, expected: digest, labels });
    parts.events.publish(namespace, { topic: '/content/create', digest, size });
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    await content.setLabels(namespace, digest, (before) => ({ ...before, ...labels }));
  }
  return { mediaType: mediaTypes.dockerLayerGzip, digest, size };
}
