import { TarReader, type TarEvent } from '#/oci/tar-reader.ts';

/**
 * Reads an archive from a stream of chunks. Throws `invalid-argument` when it is malformed or cut off. `bytes` of a data
 * event are valid until the next event is asked for.
 */
export async function* readTarStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEvent, void, undefined> {
  const reader = new TarReader();
  for await (const chunk of source) yield* reader.push(chunk);
  reader.finish();
}
